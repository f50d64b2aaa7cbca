using System.Diagnostics;

namespace ClusterFs.Benchmarks;

/// <summary>A file system made in a file, mounted until it is disposed.</summary>
internal sealed class MadeDisk : IDisposable
{
    private static readonly (string Name, string[] Make)[] Kinds =
    [
        ("XFS", ["mkfs.xfs", "-q", "-m", "reflink=1"]),
        ("btrfs", ["mkfs.btrfs", "-q", "-m", "single"]),
    ];

    private readonly string _image;

    /// <param name="scratch">Where the file is.</param>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="mebibytes">Its size.</param>
    public MadeDisk(string scratch, string name, long mebibytes)
    {
        var make = Kinds.Single(kind => kind.Name == name).Make;
        _image = Path.Combine(scratch, $"{name}.image");
        Root = Directory.CreateDirectory(Path.Combine(scratch, name)).FullName;
        Do("truncate", "-s", $"{mebibytes}M", _image);
        Do(make[0], [.. make[1..], _image]);
        Do("mount", "-o", "loop", _image, Root);
    }

    /// <summary>Of the file systems there are.</summary>
    public static IEnumerable<string> Names => Kinds.Select(kind => kind.Name);

    public string Root { get; }

    public void Dispose()
    {
        Do("umount", Root);
        File.Delete(_image);
    }

    private static void Do(string file, params string[] arguments)
    {
        using var process = Process.Start(file, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{file} {string.Join(' ', arguments)} failed. Only root can make and mount file systems.");
        }
    }
}
