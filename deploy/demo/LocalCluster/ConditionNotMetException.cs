namespace ClusterFs.Demo;

/// <summary>Something that should have been observed was not.</summary>
public sealed class ConditionNotMetException(string message) : Exception(message);
