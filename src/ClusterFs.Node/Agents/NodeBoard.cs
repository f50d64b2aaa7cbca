using System.Collections.Concurrent;
using Akka.Actor;
using ClusterFs.Node.Api;
using ClusterFs.Node.Page;
using ClusterFs.Ownership.Journal;
using ClusterFs.Ownership.Messages;
using ClusterFs.Ownership.Sharding;

namespace ClusterFs.Node.Agents;

/// <summary>
/// Where the agents put what they know, for everyone who must not wait for them. Safe to share between threads; each value is whole.
/// </summary>
internal sealed class NodeBoard
{
    /// <summary>Longer than an answer takes from an actor that has a home, and shorter than people wait.</summary>
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, ServiceSnapshot> _services = new(StringComparer.Ordinal);
    private volatile string? _guardProblem = "not connected yet";
    private volatile JournalCondition? _journal;
    private volatile IActorRef? _region;
    private volatile IActorRef? _agent;
    private volatile Since? _drainedSince;

    public KnownOwners Owners { get; } = new();

    public RecentDumps Dumps { get; } = new();

    /// <summary>Why the guard does not answer; null when it does.</summary>
    public string? GuardProblem
    {
        get => _guardProblem;
        set => _guardProblem = value;
    }

    /// <summary>Null until somebody looked.</summary>
    public JournalCondition? Journal
    {
        get => _journal;
        set => _journal = value;
    }

    /// <summary>The way to the ownership actors; null until the journal was verified.</summary>
    public IActorRef? Region
    {
        get => _region;
        set => _region = value;
    }

    /// <summary>This node's agent; null until it was started.</summary>
    public IActorRef? Agent
    {
        get => _agent;
        set => _agent = value;
    }

    /// <summary>Since when this node is drained, by its wall clock; null when it is not.</summary>
    public DateTimeOffset? DrainedSince
    {
        get => _drainedSince is { } since ? since.Moment : null;
        set => _drainedSince = value is { } since ? new Since(since) : null;
    }

    /// <summary>Of one service, by one thread at a time.</summary>
    public void Post(ServiceSnapshot snapshot)
    {
        _services[snapshot.Service] = snapshot;
        Dumps.Saw(snapshot.Service, StatusPicture.NewestDump(snapshot.View, snapshot), snapshot.View?.Owner);
    }

    public ServiceSnapshot? Find(string service) => _services.GetValueOrDefault(service);

    /// <summary>
    /// Asks the ownership actor of a service, wherever it is. A question is asked again every second, until the patience is at its end: a message to a shard that moves
    /// may be lost. So may an order, which is given once: whoever gives one asks something first, so that it goes where an answer has just come from.
    /// </summary>
    /// <returns>Null when there was no answer in time.</returns>
    public async Task<T?> AskOwnershipAsync<T>(IOwnershipMessage message, TimeSpan patience)
        where T : class
    {
        if (Region is not { } region)
        {
            return null;
        }

        using var over = new CancellationTokenSource();
        List<Task<T>> asked = [];
        try
        {
            while (true)
            {
                asked.Add(region.Ask<T>(message, patience, over.Token));
                var first = await Task.WhenAny(message is IOwnershipQuestion ? [.. asked, Task.Delay(AskAgainAfter, over.Token)] : asked).ConfigureAwait(false);
                if (first is Task<T> ended)
                {
                    return await ended.ConfigureAwait(false);
                }
            }
        }
        catch (Exception silence) when (silence is AskTimeoutException or TaskCanceledException)
        {
            return null;
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Whole, for whoever reads it meanwhile.</summary>
    private sealed record Since(DateTimeOffset Moment);
}
