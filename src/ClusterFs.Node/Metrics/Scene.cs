using System.Collections.Immutable;
using ClusterFs.Api;
using ClusterFs.Content.Config;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Content.Seeded;
using ClusterFs.Content.Static;
using ClusterFs.Guard.Protocol;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Notifications;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Metrics;

/// <summary>Everything that metrics are read from, as of one scrape. Each node tells of itself only; whoever asks all of them has the whole.</summary>
internal sealed record Scene(string Node, string Version)
{
    public bool IsReady { get; init; }

    public bool IsDrained { get; init; }

    public ImmutableArray<MemberStatus> Members { get; init; } = [];

    /// <summary>Null until somebody looked.</summary>
    public bool? JournalAnswers { get; init; }

    public bool GuardAnswers { get; init; }

    /// <summary>Null in clear text.</summary>
    public DateTimeOffset? CertificateExpires { get; init; }

    /// <summary>What the guard has counted; null where it does not answer.</summary>
    public FiguresReply? Guard { get; init; }

    public ProcessFigures? Process { get; init; }

    /// <summary>What this node told somebody, or could not.</summary>
    public NotifierFigures? Notified { get; init; }

    /// <summary>Those that may run on this node.</summary>
    public ImmutableArray<ServiceScene> Services { get; init; } = [];

    public ImmutableArray<StaticState> Static { get; init; } = [];

    public ImmutableArray<ConfigState> Config { get; init; } = [];

    public ImmutableArray<SeededState> Seeded { get; init; } = [];
}

/// <summary>One service on this node.</summary>
/// <param name="Runs">It runs here under a lease that is valid now.</param>
/// <param name="Seen">What its agent shows, aged to now.</param>
internal sealed record ServiceScene(string Name, bool Runs, ServiceSnapshot Seen, TimeSpan LeaseRemaining, ImmutableArray<LogLinkState> Logs)
{
    /// <summary>What the ownership actor said lately; null when it said nothing for long.</summary>
    public OwnershipView? FreshView { get; init; }
}

/// <summary>What the daemon costs.</summary>
internal sealed record ProcessFigures(long ResidentBytes, TimeSpan Processor, DateTimeOffset StartedAt);
