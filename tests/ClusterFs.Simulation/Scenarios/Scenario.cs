using System.Collections.Immutable;
using ClusterFs.Lease;

namespace ClusterFs.Simulation;

/// <summary>What kinds of faults a run is made of.</summary>
public enum Profile
{
    /// <summary>All of them.</summary>
    Everything,

    /// <summary>A network that is fast, clocks at their extremes, owners that are cut off: what is only just in time.</summary>
    Razor,

    /// <summary>Messages that come long after they were sent.</summary>
    LateMessages,

    /// <summary>Guards and servers that restart, many at once, while messages are on their way.</summary>
    Restarts,

    /// <summary>Voters and servers that come back without their disks.</summary>
    LostDisks,

    /// <summary>Several incarnations over a journal that fails.</summary>
    Journal,

    /// <summary>Moves, pauses, restarts of daemons.</summary>
    Operations,

    /// <summary>Shared storage that is away, silent or behind.</summary>
    Archive,

    /// <summary>TTL and voters change while it runs.</summary>
    Configuration,

    /// <summary>Processes killed and stopped between any two effects.</summary>
    Steps,

    /// <summary>A node hears of its grant long after, when others were granted, and have forgotten, the next.</summary>
    LateGrants,

    /// <summary>Guards restart in the middle of rounds whose answers come later, and so do the grants.</summary>
    Reborn,

    /// <summary>An owner is cut off and all others restart at once.</summary>
    Forgetful,

    /// <summary>A fast network; one node's clocks are as slow as allowed, all others' as fast.</summary>
    OppositeClocks,

    /// <summary>Clusters in which the vote in the database decides.</summary>
    DatabaseVote,

    /// <summary>A fence that reached some voters, and a grant from before it that a node hears of later.</summary>
    SplitFences,

    /// <summary>A grant that a node hears of again after it has ended it.</summary>
    SecondHearings,

    /// <summary>Hardly any storm; then one bystander after the other is lost, with hardly a pause between.</summary>
    Losses,
}

/// <summary>A stretch of faults, then calm; at the end of the calm's first part the service must run, and go on in the second.</summary>
public sealed record Phase(TimeSpan StormEnds, TimeSpan OwnedBy, TimeSpan Ends);

/// <summary>Everything that a run is a function of.</summary>
public sealed record Scenario(ulong Seed, Profile Profile, int Nodes)
{
    /// <summary>Versions of the shared configuration, in the order in which they were written.</summary>
    public ImmutableArray<ClusterConfiguration> Configurations { get; init; } = [];

    /// <summary>By node: how fast its clocks run.</summary>
    public ImmutableArray<(double Boottime, double Monotonic)> Rates { get; init; } = [];

    /// <summary>The longest that a message takes when nothing fails.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>There is a fence command, which reaches every node, and fails now and then.</summary>
    public bool HasFenceCommand { get; init; }

    public ImmutableArray<Phase> Phases { get; init; } = [];

    public ImmutableArray<Fault> Faults { get; init; } = [];

    public Bugs Bugs { get; init; }

    /// <summary>The invariants that count, by the first words of what they say; empty for all.</summary>
    public ImmutableArray<string> Watched { get; init; } = [];

    public TimeSpan LongestTtl => Configurations.Max(configuration => configuration.Timings.Ttl);

    public override string ToString()
    {
        var configuration = Configurations[0];
        return $"seed {Seed}: {Profile}, {Nodes} nodes, voters {string.Join(",", configuration.Voters)}, TTL {configuration.Timings.Ttl.TotalSeconds:F1} s, "
            + $"{Configurations.Length} configurations, {Phases.Length} storms, {Faults.Length} faults";
    }
}
