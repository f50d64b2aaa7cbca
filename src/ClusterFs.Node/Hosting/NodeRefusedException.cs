namespace ClusterFs.Node.Hosting;

/// <summary>The daemon cannot run like this. The message says why, and what to do.</summary>
internal sealed class NodeRefusedException(string message) : Exception(message);
