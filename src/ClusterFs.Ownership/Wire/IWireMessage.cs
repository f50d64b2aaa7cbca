namespace ClusterFs.Ownership.Wire;

/// <summary>A message between nodes of one cluster. Each type, and every type inside it, is listed in <see cref="WireTypes"/>.</summary>
public interface IWireMessage;
