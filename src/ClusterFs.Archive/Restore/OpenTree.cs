using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// What is in a tree, by way of directories that are held open: whoever puts a link in the place of one meanwhile does not have root work elsewhere. Asked for
/// paths one after the other; of neighbours most of the way is open already. Not safe for several threads.
/// </summary>
/// <param name="tree">In a directory that only this process and root change.</param>
internal sealed class OpenTree(string tree) : IDisposable
{
    /// <summary>The way to what was asked for last, from the directory that the tree is in.</summary>
    private readonly List<(string Name, OpenDirectory Directory)> _way = [];

    /// <summary>A path that leads to what has a path in the tree, be anything there or not; good until another is asked for.</summary>
    /// <param name="path">Relative, parts separated by slashes; empty for the tree itself.</param>
    /// <exception cref="LocalContentException">A directory on the way is not there, or a link by now.</exception>
    public string this[string path] => Find(path, out var missing)
        ?? throw new LocalContentException($"{missing} is no directory any more: another process has changed it.");

    /// <returns>Null where a directory on the way is not there, or a link.</returns>
    public string? TryFind(string path) => Find(path, out _);

    /// <summary>A message with the paths that people know.</summary>
    public string Readable(string message) => _way.Aggregate(message, (text, step) => step.Directory.Readable(text));

    public void Dispose() => Keep(0);

    private string? Find(string path, out string? missing)
    {
        missing = null;
        var names = Path.Combine(tree, path).Split('/')[(tree.Count(one => one == '/') - 1)..];
        var kept = 0;
        while (kept < _way.Count && kept < names.Length - 1 && _way[kept].Name == names[kept])
        {
            kept++;
        }

        Keep(kept);
        while (_way.Count < names.Length - 1)
        {
            var name = names[_way.Count];
            var next = _way.Count == 0 ? OpenDirectory.TryOpen(Path.GetDirectoryName(tree)!) : _way[^1].Directory.TryOpenBelow(name);
            if (next is null)
            {
                missing = Path.Combine(tree, string.Join('/', names[2..(_way.Count + 1)]));
                return null;
            }

            _way.Add((name, next));
        }

        return _way[^1].Directory[names[^1]];
    }

    private void Keep(int count)
    {
        foreach (var (_, directory) in _way[count..])
        {
            directory.Dispose();
        }

        _way.RemoveRange(count, _way.Count - count);
    }
}
