namespace ClusterFs.Content.Logs.Reading;

/// <summary>One log of one node: what its lines have in common, whichever file they are in. Not safe for several threads.</summary>
/// <param name="node">Whose it is.</param>
/// <param name="name">As it is shown: the log's name, after that of its directory where the service has several.</param>
public sealed class LogStream(string node, string name)
{
    /// <summary>Before the first stamp: such lines come first.</summary>
    internal const long NoStamp = long.MinValue;

    public string Node { get; } = node;

    public string Name { get; } = name;

    /// <summary>The last stamp that was read.</summary>
    internal long Ticks { get; set; } = NoStamp;
}
