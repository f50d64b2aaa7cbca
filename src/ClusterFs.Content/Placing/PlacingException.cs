namespace ClusterFs.Content.Placing;

/// <summary>Something cannot be put in its place; nothing was changed. The message says what, where and what to do.</summary>
public class PlacingException(string problem, Exception? cause = null) : Exception(problem, cause);

/// <summary>Shared storage is not there, so nothing can be said of what lies on it: what is on the node stays.</summary>
public sealed class SharedAwayException(string problem, Exception? cause = null) : PlacingException(problem, cause);
