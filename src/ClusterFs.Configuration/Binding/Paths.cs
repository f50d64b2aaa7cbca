namespace ClusterFs.Configuration.Binding;

/// <summary>Absolute paths, in the one way in which they can be compared.</summary>
internal static class Paths
{
    public static Bound<string> Required(Section section, string name, string expected)
    {
        var text = section.RequiredText(name, expected);
        return text.Valid ? Check(section, name, text, expected) : text;
    }

    public static Bound<string> Optional(Section section, string name, string otherwise)
    {
        var text = section.Text(name);
        var written = new Bound<string>(text.Value ?? otherwise, text.At, text.Key, text.Valid);
        return text.Valid && text.Value is not null ? Check(section, name, written, "expected an absolute path") : written;
    }

    /// <summary>Whether one of the two directories is, or is inside, the other.</summary>
    public static bool Overlap(string one, string other) => IsInside(one, other) || IsInside(other, one);

    private static bool IsInside(string inner, string outer) =>
        inner == outer || inner.StartsWith(outer.TrimEnd('/') + '/', StringComparison.Ordinal);

    /// <summary>Brings a path into the one form in which it can be compared.</summary>
    public static Bound<string> Check(Section section, string name, Bound<string> text, string expected)
    {
        if (!text.Value.StartsWith('/') || text.Value.Contains('\0', StringComparison.Ordinal))
        {
            return section.Wrong(text.At, name, "", $"'{text.Value}' is no absolute path", expected);
        }

        var normal = Path.TrimEndingDirectorySeparator(Path.GetFullPath(text.Value));
        return normal == "/"
            ? section.Wrong(text.At, name, "", "is the root directory", "expected a directory of its own")
            : text with { Value = normal };
    }
}
