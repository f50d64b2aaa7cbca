using System.Text;

namespace ClusterFs.Posix;

/// <summary>Where file systems are mounted, as this process sees it.</summary>
public static class MountPoints
{
    private const string Table = "/proc/self/mountinfo";
    private const int PathField = 4;
    private const int EscapeLength = 4;

    /// <summary>What is mounted below a directory, not on the directory itself, as absolute paths.</summary>
    /// <param name="directory">Without symbolic links on the way.</param>
    public static IReadOnlyList<string> Below(string directory) =>
        [.. File.ReadLines(Table).Select(PathOf).Where(path => path.StartsWith(directory.TrimEnd('/') + '/', StringComparison.Ordinal))];

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

    /// <summary>The kernel writes what would break a line as three octal digits.</summary>
    private static string PathOf(string line)
    {
        var field = line.Split(' ')[PathField];
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
