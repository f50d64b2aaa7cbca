using ClusterFs.Configuration.Hocon;

namespace ClusterFs.Configuration.Binding;

/// <summary>A value and where it comes from.</summary>
/// <param name="Value">The written value, or the default.</param>
/// <param name="At">Where it was written, or where it would have been.</param>
/// <param name="Key">The full key.</param>
/// <param name="Valid">False when a mistake in it was reported: nothing more is to be said about it.</param>
internal readonly record struct Bound<T>(T Value, Place At, string Key, bool Valid);
