using ClusterFs.Configuration;

namespace ClusterFs.Content.Logs;

/// <summary>A pattern of file names with the node in them, such as <c>%NODE%-*</c>: one <c>*</c> for what each service calls its log; immutable.</summary>
public sealed class NodeInName
{
    private readonly string _before;
    private readonly string _between;
    private readonly string _after;
    private readonly bool _nodeFirst;

    /// <exception cref="ArgumentException">It is no pattern.</exception>
    public NodeInName(string pattern)
    {
        if (FileNamePatterns.ProblemOf(pattern) is { } problem)
        {
            throw new ArgumentException(problem, nameof(pattern));
        }

        var node = pattern.IndexOf(FileNamePatterns.Node, StringComparison.Ordinal);
        var star = pattern.IndexOf('*', StringComparison.Ordinal);
        var (first, firstLength, second, secondLength) = node < star ? (node, FileNamePatterns.Node.Length, star, 1) : (star, 1, node, FileNamePatterns.Node.Length);
        _nodeFirst = node < star;
        _before = pattern[..first];
        _between = pattern[(first + firstLength)..second];
        _after = pattern[(second + secondLength)..];
    }

    /// <summary>The node in the name of a log (without what rotation has made of it); of several, the longest. Null when there is none.</summary>
    public string? NodeOf(string name, IEnumerable<string> nodes) =>
        nodes.Where(node => Matches(name, node)).MaxBy(node => node.Length);

    private bool Matches(string name, string node)
    {
        var (head, tail) = _nodeFirst ? (_before + node + _between, _after) : (_before, _between + node + _after);
        return name.Length > head.Length + tail.Length
            && name.StartsWith(head, StringComparison.Ordinal)
            && name.EndsWith(tail, StringComparison.Ordinal);
    }
}
