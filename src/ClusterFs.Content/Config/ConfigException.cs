using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Config;

/// <summary>A version of a config file cannot be used on this node, or was refused by its check; nothing was changed. The message says what, where and why.</summary>
public class ConfigException(string problem, Exception? cause = null) : PlacingException(problem, cause);

/// <summary>Somebody is changing the target at this moment. Nothing was changed; another attempt may succeed.</summary>
internal sealed class TargetChangedException(string target) : ConfigException($"{target}: somebody is changing it; it is looked at again");

/// <summary>Shared storage is there, and a version that should be on it is not, or cannot be seen yet.</summary>
internal sealed class VersionMissingException(string problem, Exception cause) : ConfigException(problem, cause);
