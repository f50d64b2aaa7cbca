using ClusterFs.Guard.Protocol;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Guard;

/// <summary>What this guard has counted since it started; for metrics, and for no decision. Thread-safe.</summary>
internal sealed class GuardFigures
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Request, string Outcome), long> _votes = [];
    private readonly Dictionary<string, RenewalCount> _renewals = new(StringComparer.Ordinal);
    private long _leasesLost;

    /// <summary>This node's voter has answered.</summary>
    public void Voted(VoterReply reply)
    {
        var vote = VoteOf(reply);
        lock (_lock)
        {
            _votes[vote] = _votes.GetValueOrDefault(vote) + 1;
        }
    }

    /// <summary>A voter has answered this node's holder.</summary>
    public void Renewed(string voter, IReadOnlyCollection<RenewReply> replies, TimeSpan took)
    {
        lock (_lock)
        {
            var count = CountOf(voter);
            var acked = replies.Count(reply => reply.Outcome == RenewOutcome.Acked);
            count.Acked += acked;
            count.Refused += replies.Count - acked;
            count.Messages++;
            count.Seconds += took.TotalSeconds;
        }
    }

    public void Unanswered(string voter, int renewals)
    {
        lock (_lock)
        {
            CountOf(voter).Unanswered += renewals;
        }
    }

    public void LeaseLost() => Interlocked.Increment(ref _leasesLost);

    /// <param name="leasesOpen">As of now.</param>
    public FiguresReply Read(int leasesOpen)
    {
        lock (_lock)
        {
            return new FiguresReply
            {
                Votes =
                {
                    _votes.Select(vote => new VoteCount { Request = vote.Key.Request, Outcome = vote.Key.Outcome, Count = vote.Value })
                        .OrderBy(vote => vote.Request, StringComparer.Ordinal)
                        .ThenBy(vote => vote.Outcome, StringComparer.Ordinal),
                },
                Renewals = { _renewals.Values.Select(count => count.Clone()).OrderBy(count => count.Voter, StringComparer.Ordinal) },
                LeasesLost = Interlocked.Read(ref _leasesLost),
                LeasesOpen = leasesOpen,
            };
        }
    }

    private static (string Request, string Outcome) VoteOf(VoterReply reply) => reply switch
    {
        RenewReply { Outcome: RenewOutcome.Acked } => ("renew", "acked"),
        RenewReply { Outcome: RenewOutcome.BelowFloor } => ("renew", "below-floor"),
        RenewReply { Outcome: RenewOutcome.Promised } => ("renew", "promised"),
        RenewReply { Outcome: RenewOutcome.Abstained } => ("renew", "abstained"),
        FenceReply { Outcome: FenceOutcome.Raised } => ("fence", "raised"),
        FenceReply { Outcome: FenceOutcome.BelowFloor } => ("fence", "below-floor"),
        FenceReply { Outcome: FenceOutcome.Promised } => ("fence", "promised"),
        FenceReply { Outcome: FenceOutcome.Abstained } => ("fence", "abstained"),
        ProbeReply { Abstains: true } => ("probe", "abstained"),
        ProbeReply => ("probe", "answered"),
        ReleaseReply => ("release", "answered"),
        JoinReply { Joined: true } => ("join", "acked"),
        JoinReply => ("join", "promised"),

        // Whatever it is, counting must not end the voter.
        _ => ("other", "answered"),
    };

    private RenewalCount CountOf(string voter)
    {
        if (!_renewals.TryGetValue(voter, out var count))
        {
            _renewals[voter] = count = new RenewalCount { Voter = voter };
        }

        return count;
    }
}
