namespace ClusterFs.Cli;

/// <summary>The name under which this machine writes to an archive without being a node of a cluster.</summary>
internal static class StandaloneNode
{
    /// <summary>The host's name, with every character replaced that a node's name cannot have.</summary>
    public static string Name { get; } =
        string.Concat(Environment.MachineName.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '-'));
}
