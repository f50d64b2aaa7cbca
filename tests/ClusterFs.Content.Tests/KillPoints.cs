namespace ClusterFs.Content.Tests;

/// <summary>
/// Where a process is killed: at the first call of a kind, the second, and so on, until there was none; then the next kind. strace counts each kind by itself, so
/// with all of them at once one that is made only now and then would never be met.
/// </summary>
/// <param name="spread">Of many calls of one kind not all are met: after so many, every second; after twice as many, every third.</param>
internal sealed class KillPoints(int spread = int.MaxValue)
{
    private const int Killed = 137;

    /// <summary>All that change a file, or make a change durable.</summary>
    private static readonly string[] Kinds =
        "rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,chmod,fchmod,fsync,fdatasync,syncfs,utimensat".Split(',');

    private readonly HashSet<string> _passed = [];

    public int Deaths { get; private set; }

    public IEnumerable<(string Kind, int Call)> All()
    {
        foreach (var kind in Kinds)
        {
            for (var call = 1; !_passed.Contains(kind); call += 1 + (call / spread))
            {
                yield return (kind, call);
            }
        }
    }

    /// <param name="code">How the process ended; 0 when there were fewer calls of the kind.</param>
    public void Met(string kind, int code)
    {
        if (code == 0)
        {
            _passed.Add(kind);
            return;
        }

        Assert.Equal(Killed, code);
        Deaths++;
    }
}
