using System.Collections.Immutable;

namespace ClusterFs.Configuration;

/// <summary>The configuration cannot be used. Carries every mistake that was found, not only the first.</summary>
public sealed class ConfigurationException(ImmutableArray<ConfigurationError> errors)
    : Exception(string.Join('\n', errors))
{
    /// <summary>In the order of files and lines; at least one. The message has one line for each.</summary>
    public ImmutableArray<ConfigurationError> Errors { get; } = errors;
}
