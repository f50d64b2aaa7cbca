using ClusterFs.Demo.Status;
using ClusterFs.Posix;

namespace ClusterFs.Demo.Writing;

/// <summary>The moment at which the death of the owner costs something: right after a dump there would be nothing to lose.</summary>
public static class CertainLoss
{
    /// <summary>
    /// Until status has announced a loss, and rows are acknowledged that no dump holds or will hold. No dump is taken any more when this returns:
    /// the owner's daemon is frozen. Its guard and its service are not.
    /// </summary>
    /// <param name="atRisk">What is to be at risk at least.</param>
    /// <exception cref="ConditionNotMetException">One of the steps took longer than <paramref name="patience"/>.</exception>
    public static async Task Await(
        ClusterNode owner,
        AcknowledgedWriter writer,
        RiskWatch watch,
        TimeSpan atRisk,
        TimeSpan patience,
        Func<string> evidence,
        CancellationToken cancelled = default)
    {
        await Eventually.True(
            $"the writes of {atRisk.TotalSeconds:0.#} s are at risk", patience, () => watch.HasJustAnnounced(atRisk), evidence, cancelled);
        owner.Daemon!.Signal(Posix.Processes.SignalStop);
        try
        {
            var acknowledged = await writer.UntilAcknowledged(MachineClock.Boottime, patience, evidence, cancelled);
            // That one may have been written before: the next was begun after it.
            await writer.UntilAcknowledged(acknowledged.AcknowledgedAt, patience, evidence, cancelled);
        }
        catch
        {
            owner.Daemon.Signal(Posix.Processes.SignalContinue);
            throw;
        }
    }
}
