using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>A message on its way: it may come at any time, or never.</summary>
internal abstract record Letter;

internal sealed record ToVoter(int Voter, VoterRequest Request, int Asker) : Letter;

/// <param name="Asker">A holder's number; -1 for the ownership.</param>
internal sealed record ToAsker(int Asker, VoterReply Reply) : Letter;

internal sealed record ToHolder(int Node, GrantReceived Grant) : Letter;

/// <summary>
/// Three voters, two nodes that may own, one journal: the production machines, time in whole seconds, every order of everything.
/// </summary>
internal sealed record SmallWorld
{
    private const string Service = "w";
    private const int LongestPost = 4;
    private static readonly ImmutableSortedSet<string> Voters = ImmutableSortedSet.Create(StringComparer.Ordinal, "n1", "n2", "n3");
    private static readonly LeaseTimings Timings = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(0.6));

    public required ImmutableArray<VoterState> Votes { get; init; }

    public required ImmutableArray<HolderState> Holders { get; init; }

    public required OwnershipState Ownership { get; init; }

    public ImmutableArray<Letter> Post { get; init; } = [];

    public int Now { get; init; }

    public int Restarts { get; init; }

    public int Copies { get; init; }

    public Bugs Bugs { get; init; }

    private static Instant At(int seconds) => new(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds));

    public static SmallWorld Begin(int restarts, int copies, Bugs bugs)
    {
        var floors = ImmutableSortedDictionary.Create<string, Binding>(StringComparer.Ordinal).Add(Service, Binding.None);
        return new SmallWorld
        {
            Votes = [.. Voters.Select(name => new VoterState(name, At(-100), new DurableVoterState(Identity(1, 0), Timings.Ttl, floors)))],
            Holders = [.. Voters.Take(2).Select(name => new HolderState(name, "boot", Identity(2, 0), DurableHolderState.Empty))],
            Ownership = OwnershipMachine.Start(
                new OwnershipSettings(Service, Voters, ["n1", "n2"], Timings), Identity(3, 0), OwnershipRecord.Empty, At(-100)),
            Restarts = restarts,
            Copies = copies,
            Bugs = bugs,
        };
    }

    /// <summary>The first owner has its lease and runs: every message came at once.</summary>
    public SmallWorld WithOwner()
    {
        var world = Tick();
        while (!world.Post.IsEmpty)
        {
            world = (world with { Post = world.Post.RemoveAt(0) }).Deliver(world.Post[0]);
        }

        return world.Report(0).Report(1);
    }

    /// <summary>What is violated here; null when nothing is.</summary>
    public string? Violation()
    {
        var valid = Holders.Where(holder => holder.Leases.GetValueOrDefault(Service) is { ValidUntil: { } until, Phase: not LeasePhase.Closed } && !until.MayHaveComeBy(At(Now))).ToList();
        return valid.Count > 1 ? $"two leases: {string.Join(" and ", valid.Select(holder => $"{holder.Node} under epoch {holder.Leases[Service].Epoch}"))}" : null;
    }

    public IEnumerable<SmallWorld> Next(int lastSecond)
    {
        for (var letter = 0; letter < Post.Length; letter++)
        {
            yield return (this with { Post = Post.RemoveAt(letter) }).Deliver(Post[letter]);
            if (Copies > 0)
            {
                yield return (this with { Copies = Copies - 1 }).Deliver(Post[letter]);
            }
        }

        if (Now < lastSecond)
        {
            yield return Tick();
        }

        if (Restarts > 0)
        {
            for (var node = 0; node < Votes.Length; node++)
            {
                yield return (this with { Restarts = Restarts - 1 }).Restart(node);
            }
        }
    }

    public UInt128 Hash()
    {
        var hash = new StateHash();
        hash.Add(Now);
        hash.Add(Restarts);
        hash.Add(Copies);
        foreach (var vote in Votes)
        {
            hash.Add(vote.Started.Boottime);
            hash.Add(vote.Durable.LongestTtl);
            Add(ref hash, vote.Durable.Floors[Service]);
            hash.Add(vote.GivenUp.Contains(Service));
            var promise = vote.Promises.GetValueOrDefault(Service);
            Add(ref hash, promise.To);
            hash.Add(promise.Until.Boottime);
        }

        foreach (var holder in Holders)
        {
            Add(ref hash, holder);
        }

        Add(ref hash, Ownership);
        UInt128 post = 0;
        foreach (var letter in Post)
        {
            post += HashOf(letter);
        }

        return hash.Value + post;
    }

    private SmallWorld Tick()
    {
        var world = this with { Now = Now + 1 };
        for (var node = 0; node < Holders.Length; node++)
        {
            world = world.Hold(node, new TimePassed());
        }

        for (var node = 0; node < Holders.Length; node++)
        {
            world = world.Report(node);
        }

        return world.Own(new OwnershipTimePassed());
    }

    /// <summary>A guard restarts: its voter forgets its promises, its holder everything but the epochs it used.</summary>
    private SmallWorld Restart(int node)
    {
        var world = this with { Votes = Votes.SetItem(node, new VoterState(Votes[node].Name, Bugs.Has(Bug.ZeroAmnesia) ? At(-100) : At(Now), Votes[node].Durable)) };
        if (node >= Holders.Length)
        {
            return world;
        }

        world = world with { Holders = Holders.SetItem(node, new HolderState(Holders[node].Node, "boot", Identity(2, Restarts + 1), Holders[node].Durable)) };
        return world.Hold(node, new HolderStarted());
    }

    private SmallWorld Report(int node)
    {
        var holder = Holders[node];
        var lease = holder.Leases.GetValueOrDefault(Service);
        var consumed = holder.Durable.Consumed.TryGetValue(Service, out var used) ? used.Epoch : 0;
        return Own(new NodeReported(new NodeReport(holder.Node, true, lease?.Phase, consumed, HolderMachine.ClosedEpoch(holder, Service), null)));
    }

    private SmallWorld Deliver(Letter letter) => letter switch
    {
        ToVoter question => Vote(question),
        ToAsker { Asker: < 0 } answer => Own(new VoterAnswered(answer.Reply)),
        ToAsker { Reply: RenewReply } answer => Hold(answer.Asker, new RenewAnswered((RenewReply)answer.Reply)),
        ToHolder told => Hold(told.Node, told.Grant),
        _ => this,
    };

    private SmallWorld Vote(ToVoter question)
    {
        var (next, effects) = SabotagedVoter.Handle(Bugs, Votes[question.Voter], question.Request, At(Now), Timings.Ttl);
        var world = this with { Votes = Votes.SetItem(question.Voter, next) };
        foreach (var effect in effects)
        {
            if (effect is Answer { Reply: not ReleaseReply } answer)
            {
                world = world.Send(new ToAsker(question.Asker, answer.Reply));
            }
        }

        return world;
    }

    private SmallWorld Hold(int node, HolderInput input)
    {
        var (next, effects) = HolderMachine.Handle(Holders[node], input, At(Now));
        var world = this with { Holders = Holders.SetItem(node, next) };
        foreach (var effect in effects)
        {
            world = effect switch
            {
                SendRenew send => world.Send(new ToVoter(Number(send.Voter), send.Renew, node)),
                SendRelease send => world.Send(new ToVoter(Number(send.Voter), send.Release, node)),
                StopService stop => world.Hold(node, new ServiceDead(Service, stop.Tenure)),
                _ => world,
            };
        }

        // Content is always in place, and nobody asks for a last dump.
        return world.Holders[node].Leases.GetValueOrDefault(Service) switch
        {
            { Prepared: false, Phase: LeasePhase.Acquiring } lease => world.Hold(node, new ContentPrepared(Service, lease.Tenure)),
            { Phase: LeasePhase.Drained } lease => world.Hold(node, new CloseRequested(Service, lease.Tenure)),
            _ => world,
        };
    }

    private SmallWorld Own(OwnershipInput input)
    {
        var (next, effects) = OwnershipMachine.Handle(Ownership, input, At(Now));
        var world = this with { Ownership = next };
        foreach (var effect in effects)
        {
            world = effect switch
            {
                Journal journal => world.Own(new Journalled(journal.Event)),
                ReserveEpoch reserve => world.Own(new EpochReserved(reserve.Epoch, reserve.Node, true)),
                AskVoter ask => world.Send(new ToVoter(Number(ask.Voter), ask.Request, -1)),
                TellGrant tell => world.Send(new ToHolder(
                    Number(tell.Node), new GrantReceived(Service, tell.Grant.Epoch, tell.Tenure, tell.Grant.Voters, Timings))),
                RecoverAgain => world with
                {
                    Ownership = OwnershipMachine.Start(Ownership.Settings, Identity(3, Now + 1), world.Ownership.Record, At(Now)),
                },
                _ => world,
            };
        }

        return world;
    }

    /// <summary>
    /// Between processes of one node it is there at once; the ownership lives on the second. What is too much is lost, oldest first; two of a
    /// kind are one.
    /// </summary>
    private SmallWorld Send(Letter letter)
    {
        if (letter is ToVoter { } question && question.Voter == PlaceOf(question.Asker))
        {
            return Vote(question);
        }

        if (letter is ToAsker { } answer && answer.Reply.Voter == Holders[PlaceOf(answer.Asker)].Node)
        {
            return Deliver(answer);
        }

        var post = Post.Contains(letter) ? Post : Post.Add(letter);
        return this with { Post = post.Length > LongestPost ? post.RemoveAt(0) : post };
    }

    private static int PlaceOf(int asker) => asker < 0 ? 1 : asker;

    private static int Number(string node) => node[1] - '1';

    private static Guid Identity(int kind, int number) => new(kind, (short)number, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    private static void Add(ref StateHash hash, Binding binding)
    {
        hash.Add(binding.Epoch);
        hash.Add(binding.Node);
    }

    private static void Add(ref StateHash hash, HolderState holder)
    {
        hash.Add(holder.Incarnation);
        hash.Add(holder.LastRound);
        hash.Add(holder.Durable.Consumed.TryGetValue(Service, out var consumed) ? consumed.Epoch : 0);
        if (holder.Leases.GetValueOrDefault(Service) is not { } lease)
        {
            return;
        }

        hash.Add(lease.Epoch);
        hash.Add(lease.Tenure);
        hash.Add((int)lease.Phase);
        hash.Add(lease.GivesUpAt.Boottime);
        hash.Add(lease.ValidUntil?.Boottime ?? TimeSpan.MinValue);
        hash.Add(lease.NextRoundAt.Boottime);
        hash.Add(lease.Prepared);
        foreach (var round in lease.Rounds)
        {
            hash.Add(round.Number);
            hash.Add(round.BegunAt.Boottime);
            foreach (var voter in round.AckedBy)
            {
                hash.Add(voter);
            }
        }
    }

    private static void Add(ref StateHash hash, OwnershipState state)
    {
        hash.Add(state.Incarnation);
        hash.Add(state.LastNonce);
        hash.Add(state.BelieveExpiryFrom.Boottime);
        hash.Add(state.NextProbeAt.Boottime);
        hash.Add(state.Expired);
        hash.Add(state.Reserving);
        hash.Add(state.Record.Epoch);
        hash.Add(state.Record.Tenure);
        hash.Add(state.Record.Grant?.Epoch ?? -1);
        hash.Add(state.Record.Grant?.Node);
        hash.Add(state.Record.Closed);
        hash.Add(state.Record.Fencing?.Epoch ?? -1);
        foreach (var heard in state.Reports.Values)
        {
            hash.Add(heard.At.Boottime);
            hash.Add(heard.Report.Node);
            hash.Add((int?)heard.Report.Phase ?? -1);
            hash.Add(heard.Report.Epoch);
            hash.Add(heard.Report.ClosedEpoch);
        }

        if (state.Probing is { } probing)
        {
            hash.Add(probing.Nonce);
            hash.Add(probing.BegunAt.Boottime);
            foreach (var answer in probing.Answers.Values)
            {
                hash.Add(answer.Voter);
                hash.Add(answer.Remaining);
            }
        }

        if (state.Fencing is { } fencing)
        {
            hash.Add(fencing.Nonce);
            hash.Add(fencing.Epoch);
            hash.Add(fencing.AskedAt.Boottime);
            foreach (var (voter, until) in fencing.Raised)
            {
                hash.Add(voter);
                hash.Add(until.Boottime);
            }
        }
    }

    private static UInt128 HashOf(Letter letter)
    {
        var hash = new StateHash();
        switch (letter)
        {
            case ToVoter { Request: Renew renew } question:
                hash.Add(1);
                hash.Add(question.Voter);
                hash.Add(renew.Epoch);
                hash.Add(renew.Node);
                hash.Add(renew.Round.Number);
                hash.Add(renew.Round.Incarnation);
                break;
            case ToVoter { Request: Release release } question:
                hash.Add(2);
                hash.Add(question.Voter);
                hash.Add(release.Epoch);
                hash.Add(release.Node);
                break;
            case ToVoter { Request: Probe probe } question:
                hash.Add(3);
                hash.Add(question.Voter);
                hash.Add(probe.Nonce);
                break;
            case ToVoter { Request: Fence fence } question:
                hash.Add(4);
                hash.Add(question.Voter);
                hash.Add(fence.Nonce);
                hash.Add(fence.Epoch);
                hash.Add(fence.OverPromises);
                break;
            case ToAsker { Reply: RenewReply reply } answer:
                hash.Add(5);
                hash.Add(answer.Asker);
                hash.Add(reply.Voter);
                hash.Add(reply.Epoch);
                hash.Add((int)reply.Outcome);
                hash.Add(reply.Round.Number);
                hash.Add(reply.Round.Incarnation);
                break;
            case ToAsker { Reply: ProbeReply reply }:
                hash.Add(6);
                hash.Add(reply.Voter);
                hash.Add(reply.Nonce);
                hash.Add(reply.Remaining);
                break;
            case ToAsker { Reply: FenceReply reply }:
                hash.Add(7);
                hash.Add(reply.Voter);
                hash.Add(reply.Nonce);
                hash.Add(reply.Epoch);
                hash.Add((int)reply.Outcome);
                hash.Add(reply.Remaining);
                break;
            case ToHolder told:
                hash.Add(8);
                hash.Add(told.Node);
                hash.Add(told.Grant.Epoch);
                hash.Add(told.Grant.Tenure);
                break;
        }

        return hash.Value;
    }
}
