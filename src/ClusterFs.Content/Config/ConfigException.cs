using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Config;

/// <summary>A version of a config file cannot be used on this node, or was refused by its check; nothing was changed. The message says what, where and why.</summary>
public sealed class ConfigException(string problem, Exception? cause = null) : PlacingException(problem, cause);
