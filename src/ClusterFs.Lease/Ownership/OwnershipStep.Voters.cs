using System.Collections.Immutable;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Ownership;

/// <content>What is asked of the voters, and what their answers prove.</content>
internal sealed partial class OwnershipStep
{
    public void CountProbe(ProbeReply reply)
    {
        if (reply.Abstains)
        {
            Join(reply.Voter, reply.Identity);
        }

        if (_state.Probing is { } round && round.Nonce == reply.Nonce && _state.Electorate.Contains(reply.Voter))
        {
            _state = _state with { Probing = round with { Answers = round.Answers.SetItem(reply.Voter, reply) } };
        }
    }

    public void CountFence(FenceReply reply)
    {
        if (reply.Outcome == FenceOutcome.Abstained)
        {
            Join(reply.Voter, reply.Identity);
            return;
        }

        if (_state.Fencing is not { } round || round.Nonce != reply.Nonce || round.Epoch != reply.Epoch)
        {
            return;
        }

        switch (reply.Outcome)
        {
            case FenceOutcome.Raised when _state.Electorate.Contains(reply.Voter):
                // The answer was on its way for a while, so waiting from now on is waiting too long rather than too short.
                _state = _state with { Fencing = round with { Raised = round.Raised.SetItem(reply.Voter, Earlier(round, reply)) } };
                break;
            case FenceOutcome.BelowFloor:
                _effects.Add(new RecoverAgain($"voter {reply.Voter} knows {reply.Floor}, above epoch {reply.Epoch} that was to be fenced"));
                break;
            case FenceOutcome.Promised when !IsOverPromises && round.SaidExpired.Contains(reply.Voter):
                // A majority said "expired" and this voter of it renewed since: the holder lives. Ask again before disturbing anyone further, and
                // believe none of the answers from before. Any other voter may have promised before, or have just restarted.
                _state = _state with { Fencing = null, Probing = null, Expired = false, SaidExpired = false, NextProbeAt = now + reply.Remaining };
                break;
        }
    }

    /// <summary>Above a floor that has risen no promise begins any more, so whatever end of the last one a voter ever told bounds it.</summary>
    private Instant Earlier(FenceRound round, FenceReply reply) =>
        round.Raised.TryGetValue(reply.Voter, out var known) && known.MostRemaining(now) <= reply.Remaining ? known : now + reply.Remaining;

    /// <summary>Floors rise although promises run: the holder agreed, or its power is about to be cut. What is promised is waited for.</summary>
    private bool IsOverPromises => Record.OpenGrant is null || _state.Suspected;

    /// <summary>A majority whose promises are over has a voter in common with any majority that the old holder counts on.</summary>
    private bool FenceIsOver() =>
        _state.Fencing is { } round
        && round.Epoch == Record.OpenFencing?.Epoch
        && (PowerFencing.EndsTheWait(_state)
            || Quorum.Reached(_state.Electorate, round.Raised.Where(voter => voter.Value.HasComeBy(now)).Select(voter => voter.Key)));

    private void FenceIfDue(long epoch)
    {
        var isOpen = _state.Fencing?.Epoch == epoch;
        if (isOpen && now.ShortestSince(_state.Fencing!.AskedAt) < Settings.Timings.ProbeFreshness)
        {
            return;
        }

        var round = isOpen
            ? _state.Fencing! with { AskedAt = now }
            : new FenceRound(NextNonce(), epoch, now, ImmutableSortedDictionary.Create<string, Instant>(StringComparer.Ordinal))
            {
                SaidExpired = _state.Probing is { } probing ? [.. Expired(probing).Select(answer => answer.Voter)] : [],
            };
        _state = _state with { Fencing = round };

        // Also those whose promise is waited for: its holder may have released it since, and the release have come after the fence.
        foreach (var voter in _state.Electorate.Where(voter => !(round.Raised.TryGetValue(voter, out var until) && until.HasComeBy(now))))
        {
            _effects.Add(new AskVoter(voter, new Fence(Settings.Service, epoch, IsOverPromises, round.Nonce)));
        }
    }

    private void ReadProbes()
    {
        if (_state.Probing is not { } round || now.LongestSince(round.BegunAt) >= Settings.Timings.ProbeFreshness)
        {
            // What was answered too long ago proves nothing any more.
            var stands = _state.Fencing is not null;
            _state = _state with { Probing = null, Expired = _state.Expired && stands, Suspected = _state.Suspected && stands };
            return;
        }

        var remaining = round.Answers.Values
            .Where(answer => !answer.Abstains && _state.Electorate.Contains(answer.Voter))
            .Select(answer => answer.Remaining)
            .Order()
            .ToList();
        var quorum = Quorum.Of(_state.Electorate.Count);
        if (remaining.Count < quorum)
        {
            return;
        }

        var expiresIn = remaining[quorum - 1];
        if (expiresIn <= TimeSpan.Zero)
        {
            var isOver = Record.OpenGrant is not null && (_state.BelieveExpiryFrom.HasComeBy(now) || WasUsedUp(round));
            _state = _state with { Expired = isOver, SaidExpired = isOver };
        }
        else
        {
            // No majority can have expired before the one that takes longest to make it up.
            // What a fence was begun for is not taken back while it is under way.
            var suspected = _state.Fencing is null ? Settings.PowerFencing?.Suspects(_state, expiresIn, now) == true : _state.Suspected;
            _state = _state with { Expired = false, SaidExpired = false, Suspected = suspected, NextProbeAt = round.BegunAt + expiresIn };
        }
    }

    /// <summary>
    /// A majority acked exactly the newest grant once and promises nothing any more: its node has used it and lost it. The wait after a recovery
    /// is for a grant that its node may not have heard of yet; there is none here to wait for.
    /// </summary>
    private bool WasUsedUp(ProbeRound round) =>
        Record.OpenGrant is { } grant
        && Quorum.Reached(
            _state.Electorate,
            Expired(round).Where(answer => answer.Floor == new Binding(grant.Epoch, grant.Node)).Select(answer => answer.Voter));

    private static IEnumerable<ProbeReply> Expired(ProbeRound round) =>
        round.Answers.Values.Where(answer => !answer.Abstains && answer.Remaining <= TimeSpan.Zero);

    private void ProbeIfDue()
    {
        var isWatching = _state.Probing is null && Settings.PowerFencing?.Watches(_state, now) == true;
        if (Record.OpenGrant is null || _state.Fencing is not null || !(isWatching || _state.NextProbeAt.HasComeBy(now)))
        {
            return;
        }

        var nonce = NextNonce();
        _state = _state with
        {
            Probing = new ProbeRound(nonce, now, ImmutableSortedDictionary.Create<string, ProbeReply>(StringComparer.Ordinal)),
            NextProbeAt = now + Settings.Timings.ProbeFreshness,
        };
        foreach (var voter in _state.Electorate)
        {
            _effects.Add(new AskVoter(voter, new Probe(Settings.Service, nonce)));
        }
    }

    public void CountJoin(JoinReply reply) => _state = _state with
    {
        Waiting = reply.Joined ? _state.Waiting.Remove(reply.Voter) : _state.Waiting.SetItem(reply.Voter, reply.Identity),
    };

    /// <summary>With each report, so that a voter votes as soon as it may, and not only when the next owner is asked about.</summary>
    private void JoinWaiting()
    {
        foreach (var (voter, identity) in _state.Waiting)
        {
            Join(voter, identity);
        }
    }

    private void Join(string voter, Guid identity)
    {
        if (Record.Joined.TryGetValue(voter, out var known) && known == identity)
        {
            SendJoin(voter, identity);
        }
        else if (_state.Pending is null)
        {
            Write(new VoterJoined(Unstamped, voter, identity));
        }
    }

    private void SendJoin(string voter, Guid identity) => _effects.Add(new AskVoter(
        voter,
        new Join(Settings.Service, identity, Record.Floor, Record.LongestTtl > Settings.Timings.Ttl ? Record.LongestTtl : Settings.Timings.Ttl)));

    private Guid NextNonce()
    {
        var number = _state.LastNonce + 1;
        _state = _state with { LastNonce = number };
        Span<byte> bytes = stackalloc byte[16];
        _state.Incarnation.TryWriteBytes(bytes);
        var mixed = BitConverter.ToInt64(bytes[8..]) ^ number;
        BitConverter.TryWriteBytes(bytes[8..], mixed);
        return new Guid(bytes);
    }
}
