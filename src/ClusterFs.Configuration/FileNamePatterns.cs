namespace ClusterFs.Configuration;

/// <summary>Patterns of file names with the node in them: <c>%NODE%</c> and <c>*</c>, each once.</summary>
public static class FileNamePatterns
{
    public const string Node = "%NODE%";

    /// <summary>What is wrong with a pattern; null when nothing is.</summary>
    public static string? ProblemOf(string pattern)
    {
        if (pattern.AsSpan().ContainsAny('/', '\0'))
        {
            return "it holds a slash";
        }

        return pattern.Split(Node).Length != 2 ? $"it does not have {Node} once"
            : pattern.Count(c => c == '*') != 1 ? "it does not have * once"
            : null;
    }
}
