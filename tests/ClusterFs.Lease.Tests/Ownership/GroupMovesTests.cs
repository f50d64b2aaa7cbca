using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Tests.Ownership;

/// <summary>
/// The ownerships of services that are kept together, driven against each other for an hour of seconds. Each move makes a new incarnation of the ownership
/// that moved, as its shard is kept off the owner: what stops a group from going to and fro has to be in the journal.
/// </summary>
public sealed class GroupMovesTests
{
    private static readonly ImmutableSortedSet<string> Voters = ["n1", "n2", "n3"];
    private static readonly FlapDamping Damping = new(5, TimeSpan.FromMinutes(10));

    private readonly Dictionary<string, Service> _services = new(StringComparer.Ordinal);
    private int _now;

    [Fact]
    public void A_leader_with_followers_that_cannot_be_together_stays()
    {
        Begin("db", "n1", ["db", "a", "b"]);
        Begin("a", "n2", ["db", "a", "b"]).Waits = (node, _) => node != "n1";
        Begin("b", "n1", ["db", "a", "b"]).Waits = (node, _) => node != "n2";
        RunForAnHour();
        Assert.Equal((0, 0, 0), (Moves("db").Count, Moves("a").Count, Moves("b").Count));
    }

    [Fact]
    public void A_leader_fetches_the_one_that_cannot_come_once()
    {
        Begin("db", "n1", ["db", "a", "b"]);
        Begin("a", "n2", ["db", "a", "b"]).Waits = (node, _) => node != "n1";
        Begin("b", "n1", ["db", "a", "b"]);
        RunForAnHour();
        Assert.Equal((1, 0, 1), (Moves("db").Count, Moves("a").Count, Moves("b").Count));
        Assert.All(_services.Values, service => Assert.Equal("n2", service.State.Record.OpenGrant!.Node));
    }

    [Fact]
    public void A_follower_that_does_not_stay_up_beside_its_leader_is_fetched_once()
    {
        Begin("db", "n1", ["db", "web"]);
        var web = Begin("web", "n2", ["db", "web"]);
        web.EndsAfter = node => node == "n1" ? 20 : null;
        web.Waits = (_, ended) => ended is null || _now - ended > 30;
        RunForAnHour();

        // The leader comes to it while it stands back where it ended, and that is the end of it.
        Assert.Equal((1, 1), (Moves("db").Count, Moves("web").Count));
        Assert.All(_services.Values, service => Assert.Equal("n3", service.State.Record.OpenGrant!.Node));
    }

    [Fact]
    public void A_leader_that_was_drawn_away_from_its_first_node_does_not_go_back_in_a_loop()
    {
        Begin("db", "n2", ["db", "web"], new FailbackPolicy(FailbackMode.After) { After = TimeSpan.FromMinutes(1) });
        var web = Begin("web", "n2", ["db", "web"]);
        web.EndsAfter = node => node == "n1" ? 2 : null;
        web.Waits = (node, ended) => node != "n1" || ended is null || _now - ended > 60;
        RunForAnHour();
        Assert.Equal([MoveReason.Failback, MoveReason.Together], Moves("db").Select(move => move.Why));
        Assert.Single(Moves("web"));
    }

    [Fact]
    public void A_leader_that_goes_to_and_fro_takes_a_follower_along_only_now_and_then()
    {
        var db = Begin("db", "n1", ["db", "web"]);
        db.State = db.State with { Settings = db.State.Settings with { Damping = null } };
        db.EndsAfter = _ => 60;
        db.Waits = (_, ended) => ended is null || _now - ended > 30;
        Begin("web", "n1", ["db", "web"]);
        RunForAnHour();
        Assert.NotEmpty(Moves("web"));
        Assert.All(Moves("web").Zip(Moves("web").Skip(1)), pair => Assert.True(pair.Second.At - pair.First.At >= CompanyRules.TryAgainAfter.TotalSeconds));
    }

    private List<(int At, MoveReason Why)> Moves(string service) => _services[service].Moves;

    private Service Begin(string name, string owner, ImmutableArray<string> together, FailbackPolicy? failback = null)
    {
        var settings = new OwnershipSettings(name, Voters, ["n1", "n2", "n3"], Moments.Timings)
        {
            Company = new Company([], together),
            Damping = Damping,
            Failback = failback ?? FailbackPolicy.Never,
        };
        var record = OwnershipRecord.Empty
            .Apply(new FencingBegun(DateTimeOffset.UnixEpoch, 1, GrantCause.Start))
            .Apply(new OwnershipGranted(DateTimeOffset.UnixEpoch, 1, owner, Voters, Moments.Timings.Ttl, Moments.Timings.StopBudget, GrantCause.Start));
        var service = new Service(OwnershipMachine.Start(settings, Guid.NewGuid(), record, Moments.At(0)));
        service.Nodes[owner] = new Life(1, 0, 0);
        return _services[name] = service;
    }

    private void RunForAnHour()
    {
        for (_now = 0; _now < 3600; _now++)
        {
            foreach (var service in _services.Values)
            {
                service.Report(_now);
            }

            foreach (var service in _services.Values)
            {
                service.Look(_services.Values.Where(other => other != service).Select(other => other.Seen(_now)).ToDictionary(other => other.Service, StringComparer.Ordinal), _now);
            }
        }
    }

    /// <param name="Epoch">The newest that the node was granted.</param>
    /// <param name="Closed">It is over up to here.</param>
    private sealed record Life(long Epoch, long Closed, int Since)
    {
        public int? EndedAt { get; init; }

        public long HandedOver { get; init; }
    }

    /// <summary>One service: its ownership, and what its nodes make of it.</summary>
    private sealed class Service(OwnershipState state)
    {
        private CompanyWatch _company = CompanyWatch.Begin;
        private FailbackWatch _failback = FailbackWatch.Begin;
        private bool _moved;
        private int _recoveredAt;

        public OwnershipState State { get; set; } = state;

        public Dictionary<string, Life> Nodes { get; } = new() { ["n1"] = new Life(0, 0, 0), ["n2"] = new Life(0, 0, 0), ["n3"] = new Life(0, 0, 0) };

        public List<(int At, MoveReason Why)> Moves { get; } = [];

        /// <summary>Whether something waits for it on a node, by when it ended there last.</summary>
        public Func<string, int?, bool> Waits { get; set; } = (_, _) => true;

        /// <summary>How long it stays up on a node; null for ever.</summary>
        public Func<string, int?> EndsAfter { get; set; } = _ => null;

        public void Report(int now)
        {
            foreach (var node in Nodes.Keys.ToList())
            {
                var life = Nodes[node];
                if (life.Epoch > life.Closed && EndsAfter(node) is { } after && now - life.Since >= after)
                {
                    life = Nodes[node] = life with { Closed = life.Epoch, EndedAt = now };
                }

                var runs = life.Epoch > life.Closed;
                Feed(
                    new NodeReported(new NodeReport(
                        node, runs || Waits(node, life.EndedAt), runs ? LeasePhase.Running : life.Epoch > 0 ? LeasePhase.Closed : null, life.Epoch, life.Closed, null)
                    {
                        HandedOver = life.HandedOver,
                    }),
                    now);
            }
        }

        public Neighbour Seen(int now) => new(
            State.Settings.Service,
            State.Record.OpenGrant?.Node,
            OwnershipMachine.OwnerRuns(State, Moments.At(now)) && State.Record.Move is null,
            [.. State.Settings.Nodes.Where(node => OwnershipMachine.IsCandidate(State, node, Moments.At(now)))])
        {
            Stays = State.Record.Move is not null,
        };

        public void Look(IReadOnlyDictionary<string, Neighbour> others, int now)
        {
            if (_moved && State.Record.Move is null)
            {
                _moved = false;
                _recoveredAt = now;
                (_company, _failback) = (CompanyWatch.Begin, FailbackWatch.Begin);
                State = OwnershipMachine.Start(State.Settings, Guid.NewGuid(), State.Record, Moments.At(now));
                Report(now);
            }

            Feed(new PlacementNoted(CompanyRules.Place(State, others, TimeSpan.FromSeconds(now - _recoveredAt))), now);
            (_company, var apart) = CompanyRules.Look(State, _company, others, Moments.At(now));
            (_failback, var away) = FailbackRules.Look(
                State, _failback, true, CompanyRules.CanAllBeOn(State.Settings, others, State.Settings.Nodes[0]), Moments.At(now), new TimeOnly(12, 0));
            if (apart is { Hindrance: null })
            {
                Feed(new MoveRequested(Guid.NewGuid(), apart.Node) { Why = MoveReason.Together }, now);
            }
            else if (away is { Hindrance: null })
            {
                Feed(new MoveRequested(Guid.NewGuid(), away.To) { Why = MoveReason.Failback }, now);
            }
        }

        private void Feed(OwnershipInput input, int now)
        {
            (State, var effects) = OwnershipMachine.Handle(State, input, Moments.At(now));
            foreach (var effect in effects)
            {
                CarryOut(effect, now);
            }
        }

        private void CarryOut(OwnershipEffect effect, int now)
        {
            switch (effect)
            {
                case Journal { Event: var happened }:
                    if (happened is MoveBegun move)
                    {
                        Moves.Add((now, move.Why));
                        _moved = true;
                    }

                    Feed(new Journalled(happened), now);
                    break;
                case ReserveEpoch reserve:
                    Feed(new EpochReserved(reserve.Epoch, reserve.Node, true), now);
                    break;
                case AskVoter { Voter: var voter, Request: Fence fence }:
                    Feed(
                        new VoterAnswered(new FenceReply(
                            fence.Service, voter, Guid.Empty, fence.Nonce, fence.Epoch, FenceOutcome.Raised, new Binding(fence.Epoch, null), TimeSpan.Zero)),
                        now);
                    break;
                case AskVoter { Voter: var voter, Request: Probe probe }:
                    Feed(new VoterAnswered(new ProbeReply(probe.Service, voter, Guid.Empty, probe.Nonce, false, State.Record.Floor, Moments.Timings.Ttl)), now);
                    break;
                case TellGrant grant when grant.Grant.Epoch > Nodes[grant.Node].Epoch:
                    Nodes[grant.Node] = Nodes[grant.Node] with { Epoch = grant.Grant.Epoch, Since = now };
                    break;
                case TellDrain drain when Nodes[drain.Node] is var life && life.Epoch > life.Closed:
                    Nodes[drain.Node] = life with { Closed = life.Epoch, HandedOver = life.Epoch, EndedAt = now };
                    break;
            }
        }
    }
}
