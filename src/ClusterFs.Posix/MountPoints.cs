using System.Collections.Immutable;
using System.Text;

namespace ClusterFs.Posix;

/// <summary>A file system and where it is mounted.</summary>
/// <param name="Path">Where.</param>
/// <param name="Type">As the kernel calls it: ext4, nfs4, fuse.glusterfs, …</param>
/// <param name="Source">What is mounted: a device, or a server and its path.</param>
/// <param name="Options">Of this mount and of the file system.</param>
public sealed record Mount(string Path, string Type, string Source, ImmutableArray<string> Options);

/// <summary>Where file systems are mounted, as this process sees it.</summary>
public static class MountPoints
{
    private const string Table = "/proc/self/mountinfo";
    private const int PathField = 4;
    private const int OptionsField = 5;
    private const string EndOfOptionalFields = "-";
    private const int EscapeLength = 4;

    /// <summary>What is mounted below a directory, not on the directory itself, as absolute paths.</summary>
    /// <param name="directory">Without symbolic links on the way.</param>
    public static IReadOnlyList<string> Below(string directory) =>
        [.. File.ReadLines(Table).Select(PathOf).Where(path => path.StartsWith(directory.TrimEnd('/') + '/', StringComparison.Ordinal))];

    /// <summary>The mount that a path lies on. Asks the kernel alone, not what is mounted.</summary>
    /// <param name="path">Absolute, without symbolic links on the way.</param>
    public static Mount Of(string path) => Find(File.ReadLines(Table), path);

    /// <param name="table">Lines of mountinfo: what is mounted later hides what was there.</param>
    internal static Mount Find(IEnumerable<string> table, string path)
    {
        string? best = null;
        foreach (var line in table)
        {
            var at = PathOf(line);
            if ((at == "/" || path == at || path.StartsWith(at + '/', StringComparison.Ordinal)) && (best is null || at.Length >= PathOf(best).Length))
            {
                best = line;
            }
        }

        var fields = (best ?? throw new IOException($"{path} lies on no mount")).Split(' ');
        var rest = Array.IndexOf(fields, EndOfOptionalFields, OptionsField + 1);
        return new Mount(
            PathOf(best), fields[rest + 1], Unescape(fields[rest + 2]), [.. fields[OptionsField].Split(',').Concat(fields[rest + 3].Split(',')).Distinct()]);
    }

    /// <summary>A directory's path without symbolic links.</summary>
    /// <exception cref="PosixException">It cannot be opened.</exception>
    public static string RealPathOf(string directory)
    {
        var descriptor = Libc.Open(directory, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec, 0);
        if (descriptor < 0)
        {
            throw PosixException.Last("open", directory);
        }

        try
        {
            return new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget ?? directory;
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    private static string PathOf(string line) => Unescape(line.Split(' ')[PathField]);

    /// <summary>The kernel writes what would break a line as three octal digits.</summary>
    private static string Unescape(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal))
        {
            return field;
        }

        var path = new StringBuilder();
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + EscapeLength <= field.Length)
            {
                path.Append((char)Convert.ToInt32(field.Substring(i + 1, EscapeLength - 1), 8));
                i += EscapeLength - 1;
            }
            else
            {
                path.Append(field[i]);
            }
        }

        return path.ToString();
    }
}
