namespace ClusterFs.Simulation;

/// <summary>What must always hold did not.</summary>
public sealed class ViolationException(string message) : Exception(message);
