using Akka.Actor;
using Akka.Coordination;

namespace ClusterFs.Ownership.SplitBrain;

/// <summary>
/// There is one cluster: the one whose leader holds this claim, in the journal's database. Who begins a cluster takes it first; while another
/// cluster's leader holds it there is nothing to begin, only one to join. Like every lease beside the voters' it decides where actors run and
/// nothing else. Thread-safe.
/// </summary>
public sealed class ClusterClaim
{
    private const string ConfigurationPath = "clusterfs.cluster-claim";

    private readonly SqlLease _lease;

    /// <param name="node">Who claims. Each process claims for itself: what its predecessor claimed has to run out first.</param>
    public ClusterClaim(ActorSystem system, string node) => _lease = (SqlLease)LeaseProvider.Get(system).GetLease(
        $"{system.Name}-cluster", ConfigurationPath, $"{node}/{Guid.NewGuid()}");

    public bool IsHeld => _lease.CheckLease();

    /// <summary>The node whose process holds it and was seen alive lately; null when it is nobody, this process, or not known.</summary>
    public string? Other => _lease.LivingHolder is { } owner && owner != _lease.Settings.OwnerName ? owner[..owner.LastIndexOf('/')] : null;

    /// <returns>False also where the database does not answer, or the actor system has ended.</returns>
    public async Task<bool> TryTakeAsync()
    {
        try
        {
            return await _lease.Acquire().ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is LeaseException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Lets it go at once, so that nobody waits for it to run out.</summary>
    public async Task LeaveAsync()
    {
        try
        {
            _ = await _lease.Release().ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is LeaseException or OperationCanceledException)
        {
            // It runs out by itself.
        }
    }
}
