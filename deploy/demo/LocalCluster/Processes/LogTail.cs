namespace ClusterFs.Demo.Processes;

/// <summary>The end of a log, for failure messages.</summary>
public static class LogTail
{
    private const int Lines = 25;

    public static string Of(string file)
    {
        if (!File.Exists(file))
        {
            return $"--- {file}: nothing written";
        }

        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        var lines = reader.ReadToEnd().TrimEnd().Split('\n');
        return $"--- {file}{Environment.NewLine}{string.Join(Environment.NewLine, lines.TakeLast(Lines))}";
    }
}
