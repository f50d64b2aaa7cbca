namespace ClusterFs.Content.Seeded;

/// <summary>A seeded file cannot be rendered or put in its place; nothing was changed. The message says what, where and what to do.</summary>
public class SeedException(string problem, Exception? cause = null) : Exception(problem, cause);

/// <summary>Shared storage is not there, so nothing can be said of a template: what is on the node stays.</summary>
public sealed class SharedAwayException(string problem, Exception? cause = null) : SeedException(problem, cause);
