using ClusterFs.Ownership.Wire;

namespace ClusterFs.Ownership.Messages;

/// <summary>An epoch was granted to the node of the agent that hears this, and the journal has it. Repeated until the node reports it.</summary>
/// <param name="Tenure">The epoch that this ownership began with: below <paramref name="Epoch"/> when it goes on in place.</param>
public sealed record GrantOwnership(string Service, long Epoch, long Tenure, string Node, string[] Voters, TimeSpan Ttl, TimeSpan StopBudget) : IWireMessage;

/// <summary>Stop the service, dump and release, because it moves. Repeated until the node reports that it does.</summary>
public sealed record DrainOwnership(string Service, long Tenure, string To) : IWireMessage;

/// <summary>Who looks after the service's ownership begins or ends, and knows or will know only what is reported from now on.</summary>
public sealed record ReportWanted(string Service) : IWireMessage;
