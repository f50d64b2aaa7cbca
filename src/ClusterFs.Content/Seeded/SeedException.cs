using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Seeded;

/// <summary>A seeded file cannot be rendered; nothing was changed. The message says what, where and what to do.</summary>
public sealed class SeedException(string problem, Exception? cause = null) : PlacingException(problem, cause);
