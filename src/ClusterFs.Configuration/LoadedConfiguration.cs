using System.Collections.Immutable;

namespace ClusterFs.Configuration;

/// <summary>What came of loading a configuration that can be used.</summary>
/// <param name="Settings">What it says.</param>
/// <param name="Warnings">One line each, in the form of an error: what is odd, but does not stop a start.</param>
/// <param name="Files">Absolute paths of every file that was read, the local one first.</param>
public sealed record LoadedConfiguration(Settings Settings, ImmutableArray<string> Warnings, ImmutableArray<string> Files);
