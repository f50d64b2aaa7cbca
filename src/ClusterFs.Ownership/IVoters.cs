using ClusterFs.Lease.Voter;

namespace ClusterFs.Ownership;

/// <summary>The way to the voters, which live in the guards of the nodes.</summary>
public interface IVoters
{
    /// <summary>Asks a voter. Any failure, or a reply that never comes, means that nothing is known.</summary>
    /// <param name="request">A probe, a fence, a join, or the release of an owner whose power was cut.</param>
    /// <param name="timeout">After it an answer is worth nothing.</param>
    Task<VoterReply> AskAsync(string voter, VoterRequest request, TimeSpan timeout);
}
