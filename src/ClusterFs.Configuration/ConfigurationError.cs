namespace ClusterFs.Configuration;

/// <summary>One mistake in the configuration.</summary>
/// <param name="File">Where it is.</param>
/// <param name="Line">From 1; 0 where no line is to blame.</param>
/// <param name="Key">The full key, or empty where the file itself is at fault.</param>
/// <param name="Problem">What is wrong.</param>
/// <param name="Expected">What would be right.</param>
public sealed record ConfigurationError(string File, int Line, string Key, string Problem, string Expected)
{
    /// <summary><c>file:line: key: what is wrong; what is expected</c>, always on one line.</summary>
    public override string ToString()
    {
        var place = (File, Line) switch
        {
            ("", _) => "",
            (_, 0) => $"{File}: ",
            _ => $"{File}:{Line}: ",
        };
        var key = Key.Length == 0 ? "" : $"{Key}: ";
        var expected = Expected.Length == 0 ? "" : $"; {Expected}";
        return Printable($"{place}{key}{Problem}{expected}");
    }

    /// <summary>A mistake may hold anything, but must not break its line or the terminal.</summary>
    private static string Printable(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString())) : text;
}
