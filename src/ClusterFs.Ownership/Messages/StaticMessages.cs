using ClusterFs.Ownership.Wire;

namespace ClusterFs.Ownership.Messages;

/// <summary>What a node knows and serves of static content; all nodes tell all, whenever it changes and now and then.</summary>
/// <param name="Node">Who says so.</param>
/// <param name="Head">The newest generation that it has seen; 0 for none. The other numbers likewise.</param>
/// <param name="Prepared">What it could switch to at once.</param>
/// <param name="Current">What it serves.</param>
/// <param name="Failed">What it tried to prepare and could not.</param>
/// <param name="Line">The log that the numbers are of.</param>
public sealed record StaticSighted(string Service, string Name, string Node, long Head, long Prepared, long Current, long Failed, string Line) : IWireMessage;

/// <summary>Asks a node how its static contents are; answered at once, whatever hangs.</summary>
/// <param name="Service">Only of this one; null for all.</param>
public sealed record AskStatic(string? Service) : IWireMessage;

/// <summary>The answer.</summary>
/// <param name="Report">As the local API writes it.</param>
public sealed record StaticAnswered(string Report) : IWireMessage;
