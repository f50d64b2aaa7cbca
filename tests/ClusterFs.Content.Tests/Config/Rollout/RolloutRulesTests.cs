using System.Collections.Immutable;
using ClusterFs.Content.Config.Rollout;

namespace ClusterFs.Content.Tests.Config.Rollout;

public sealed class RolloutRulesTests
{
    private static readonly ImmutableArray<string> Order = ["n1", "n2", "n3"];

    [Fact]
    public void The_first_who_sees_a_version_begins_and_each_waits_for_its_turn()
    {
        Assert.Equal(new RolloutStep.Begin("v1"), RolloutRules.Decide(null, See("n2", "v1")));
        var state = Then(null, RolloutRules.Begin("v1", Order));
        Assert.Equal(new RolloutStep.Start(), RolloutRules.Decide(state, See("n1", "v1")));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n2", "v1")));
        state = Then(state, RolloutRules.Start(state.Rollout, "n1"));
        Assert.Equal(new RolloutStep.Use("v1"), RolloutRules.Decide(state, See("n1", "v1")));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n2", "v1")));
        state = Then(state, RolloutRules.End(state.Rollout, "n1", null));
        Assert.Equal(new RolloutStep.Start(), RolloutRules.Decide(state, See("n2", "v1")));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n1", "v1", active: "v1")));
    }

    [Fact]
    public void A_failed_version_goes_nowhere_until_somebody_asks_or_there_is_another()
    {
        var state = Failed("v2", "n1", good: "v1");
        Assert.Equal(new RolloutStep.Wait(null), RolloutRules.Decide(state, See("n2", "v2", seen: "v2", active: "v1")));
        Assert.Equal(new RolloutStep.Wait(null), RolloutRules.Decide(state, See("n2", "v2", seen: "v1", active: "v1")));
        Assert.Equal(new RolloutStep.Begin("v2"), RolloutRules.Decide(state, See("n2", "v2", seen: "v2", active: "v1", isAsked: true)));
        Assert.Equal(new RolloutStep.Begin("v3"), RolloutRules.Decide(state, See("n2", "v3", seen: "v2", active: "v1")));
    }

    [Fact]
    public void Whoever_looks_at_old_times_does_not_bring_them_back()
    {
        var state = Then(null, RolloutRules.Begin("v2", Order));
        Assert.IsNotType<RolloutStep.Begin>(RolloutRules.Decide(state, See("n2", "v1", seen: "v1", active: "v1")));
        Assert.Equal(new RolloutStep.Begin("v1"), RolloutRules.Decide(state, See("n2", "v1", seen: "v2", active: "v1")));
    }

    [Fact]
    public void A_node_that_is_away_is_passed_over_and_takes_what_passed_when_it_is_back()
    {
        var state = Then(null, RolloutRules.Begin("v1", Order));
        Assert.Equal(new RolloutStep.PassOver("n1"), RolloutRules.Decide(state, See("n3", "v1", away: ["n1"])));
        foreach (var node in new[] { "n2", "n3" })
        {
            state = Then(state, node == "n2" ? RolloutRules.PassOver(state.Rollout, "n1") : state.Rollout);
            Assert.Equal(new RolloutStep.Start(), RolloutRules.Decide(state, See(node, "v1")));
            state = Then(state, RolloutRules.Start(state.Rollout, node));
            state = Then(state, RolloutRules.End(state.Rollout, node, null));
        }

        Assert.True(state.Rollout.IsFinished);
        Assert.Equal("v1", state.Good);
        Assert.Equal(new RolloutStep.CatchUp("v1"), RolloutRules.Decide(state, See("n1", "v1", seen: "v1")));
        Assert.Equal(new RolloutStep.Wait(null), RolloutRules.Decide(state, See("n1", "v1", seen: "v1", failed: "v1")));
    }

    [Fact]
    public void After_a_stop_those_that_passed_stay_and_one_that_was_away_takes_the_last_good_version()
    {
        var state = Then(null, RolloutRules.Begin("v2", Order)) with { Good = "v1" };
        state = Then(state, RolloutRules.End(RolloutRules.Start(state.Rollout, "n1"), "n1", null));
        state = Then(state, RolloutRules.End(RolloutRules.Start(state.Rollout, "n2"), "n2", "refused"));
        Assert.Equal("v1", state.Good);
        Assert.Equal(new RolloutStep.Wait(null), RolloutRules.Decide(state, See("n1", "v2", seen: "v2", active: "v2")));
        Assert.Equal(new RolloutStep.CatchUp("v1"), RolloutRules.Decide(state with { GoodBegan = 1 }, See("n3", "v2", seen: "v2", active: "v0")));
    }

    [Fact]
    public void After_a_second_stop_too_those_that_had_passed_stay()
    {
        var good = Then(null, RolloutRules.Begin("v1", ["n1"]));
        good = Then(good, RolloutRules.End(RolloutRules.Start(good.Rollout, "n1"), "n1", null));
        var second = Then(good, RolloutRules.Begin("v2", Order));
        var state = Then(second, RolloutRules.Begin("v3", Order));
        state = Then(state, RolloutRules.End(RolloutRules.Start(state.Rollout, "n1"), "n1", "refused"));
        Assert.Equal("v1", state.Good);
        Assert.Equal(new RolloutStep.Wait(null), RolloutRules.Decide(state, See("n2", "v3", seen: "v3", active: "v2") with { Used = second.Rollout.Began }));
        Assert.Equal(new RolloutStep.CatchUp("v1"), RolloutRules.Decide(state, See("n2", "v3", seen: "v3", active: "v0")));
    }

    [Fact]
    public void A_node_that_is_not_configured_any_more_blocks_nothing()
    {
        var state = Then(null, RolloutRules.Begin("v1", ["n9", "n1", "n2", "n3"]));
        Assert.Equal(new RolloutStep.PassOver("n9"), RolloutRules.Decide(state, See("n1", "v1", seen: "v1")));
        state = Then(state, RolloutRules.Start(state.Rollout, "n9"));
        Assert.Equal(new RolloutStep.Begin("v2"), RolloutRules.Decide(state, See("n1", "v2", seen: "v1")));
        Assert.Equal(new RolloutStep.Begin("v1"), RolloutRules.Decide(state, See("n1", "v1", seen: "v1", isAsked: true)));
    }

    [Fact]
    public void A_node_that_hangs_is_left_behind_when_somebody_asks_after_its_time()
    {
        var state = Then(null, RolloutRules.Start(RolloutRules.Begin("v1", Order), "n1"));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n2", "v2", seen: "v1", isAsked: true)));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n2", "v2", seen: "v1") with { IsStill = true }));
        Assert.Equal(new RolloutStep.Begin("v2"), RolloutRules.Decide(state, See("n2", "v2", seen: "v1", isAsked: true) with { IsStill = true }));

        // And it takes no version itself after which there was another one.
        Assert.Equal(new RolloutStep.Begin("v2"), RolloutRules.Decide(state, See("n1", "v2", seen: "v1")));
        Assert.Equal(new RolloutStep.Use("v1"), RolloutRules.Decide(state, See("n1", "v1", seen: "v1")));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n1", null, seen: "v1") with { IsSettling = true }));
    }

    [Fact]
    public void A_withdrawn_version_is_not_begun_with()
    {
        var state = Then(null, RolloutRules.Begin("v2", Order));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n1", "v1", seen: "v1", active: "v1")));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n1", null, seen: "v1", active: "v1") with { IsSettling = true }));
        Assert.Equal(new RolloutStep.Begin("v1"), RolloutRules.Decide(state, See("n1", "v1", seen: "v1", active: "v1") with { HasDiffered = true }));
        Assert.Equal(new RolloutStep.Start(), RolloutRules.Decide(state, See("n1", "v2", seen: "v1", active: "v1")));
    }

    [Fact]
    public void Of_the_last_node_that_is_left_when_none_has_passed_nothing_is_proven()
    {
        var state = Then(null, RolloutRules.Begin("v1", Order));
        state = Then(state, RolloutRules.PassOver(state.Rollout, "n1"));
        state = Then(state, RolloutRules.PassOver(state.Rollout, "n2"));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n1", "v1", seen: "v1", away: ["n3"])));
        Assert.Equal(new RolloutStep.Start(), RolloutRules.Decide(state, See("n3", "v1", seen: "v1")));
        state = Then(state, RolloutRules.End(RolloutRules.Start(state.Rollout, "n3"), "n3", null));
        Assert.Equal((true, "v1"), (state.Rollout.IsFinished, state.Good));
    }

    [Fact]
    public void What_a_node_has_it_does_not_take_again_and_numbers_of_another_log_say_nothing()
    {
        var state = Then(null, RolloutRules.Begin("v1", ["n1"]));
        state = Then(state, RolloutRules.End(RolloutRules.Start(state.Rollout, "n1"), "n1", null));

        // Rolled out a second time, while it was away.
        Assert.Equal(new RolloutStep.Wait(null), RolloutRules.Decide(state, See("n2", "v1", seen: "v1", active: "v1") with { Used = 0 }));

        // By a log that was lost it had something newer than this one's first.
        Assert.Equal(new RolloutStep.CatchUp("v1"), RolloutRules.Decide(state, See("n2", "v1", seen: "v1", active: "v0") with { Used = 40 }));
    }

    [Fact]
    public void A_roll_out_is_known_by_its_first_slot_to_its_end()
    {
        var first = Then(null, RolloutRules.Begin("v1", Order));
        var later = Then(first, RolloutRules.Start(first.Rollout, "n1"));
        later = Then(later, RolloutRules.End(later.Rollout, "n1", null));
        Assert.Equal((1L, 3L, 1L), (first.Rollout.Began, later.Number, later.Rollout.Began));
        Assert.Equal(4, Then(later, RolloutRules.Begin("v2", Order)).Rollout.Began);
    }

    [Fact]
    public void Where_the_log_is_gone_the_source_is_rolled_out()
    {
        Assert.Equal(new RolloutStep.Begin("v1"), RolloutRules.Decide(null, See("n1", "v1", seen: "v1", active: "v1")));
    }

    [Fact]
    public void A_node_that_died_at_it_is_waited_for_until_somebody_asks()
    {
        var state = Then(null, RolloutRules.Start(RolloutRules.Begin("v1", Order), "n1"));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n2", "v1", seen: "v1", away: ["n1"])));
        Assert.IsType<RolloutStep.Wait>(RolloutRules.Decide(state, See("n2", "v2", seen: "v1")));
        Assert.Equal(new RolloutStep.Begin("v2"), RolloutRules.Decide(state, See("n2", "v2", seen: "v1", away: ["n1"])));
        Assert.Equal(new RolloutStep.Begin("v1"), RolloutRules.Decide(state, See("n2", "v1", seen: "v1", away: ["n1"], isAsked: true)));
    }

    /// <summary>Any order of looks, deaths, absences and edits: one node at a time, and what one has refused reaches no other.</summary>
    [Fact]
    public void Whatever_happens_one_node_at_a_time_and_nothing_refused_goes_on()
    {
        var (finished, stopped) = (0, 0);
        for (var seed = 0; seed < 2000; seed++)
        {
            var world = new World(new Random(seed));
            for (var step = 0; step < 300; step++)
            {
                world.Step();
            }

            world.Settle();
            finished += world.Finished;
            stopped += world.Stopped;
        }

        Assert.InRange(finished, 1000, int.MaxValue);
        Assert.InRange(stopped, 1000, int.MaxValue);
    }

    private static RolloutView See(
        string node, string? source, string? seen = null, string? active = null, string? failed = null, string[]? away = null, bool isAsked = false) =>
        new(node, Order, source, seen, active, failed, (away ?? []).ToHashSet(), isAsked);

    private static RolloutState Then(RolloutState? state, RolloutProgress rollout) => RolloutRules.Follow(state, rollout, "n1", "nonce", DateTimeOffset.UnixEpoch);

    private static RolloutState Failed(string version, string node, string good) =>
        Then(null, RolloutRules.End(RolloutRules.Start(RolloutRules.Begin(version, Order), node), node, "refused")) with { Good = good };

    /// <summary>Nodes that see the newest state, or an older one, and only one of which gets each slot.</summary>
    private sealed class World(Random random)
    {
        private readonly List<RolloutState> _log = [];
        private readonly Dictionary<string, Node> _nodes = Order.ToDictionary(name => name, name => new Node());
        private int _source;

        public int Finished { get; private set; }

        public int Stopped { get; private set; }

        private string Source => $"v{_source}";

        /// <summary>Every third version is refused, by the node of its number.</summary>
        private static bool Refuses(string node, string version) => int.Parse(version[1..], System.Globalization.CultureInfo.InvariantCulture) is var number
            && number % 3 == 2 && Order[number % Order.Length] == node;

        public void Step()
        {
            if (random.Next(40) == 0)
            {
                _source++;
            }

            var name = Order[random.Next(Order.Length)];
            var node = _nodes[name];
            if (random.Next(20) == 0)
            {
                node.IsAway = !node.IsAway;
            }

            if (!node.IsAway)
            {
                // Now and then what is seen is the state before the newest.
                Look(name, node, late: random.Next(4) == 0, dies: random.Next(10) == 0, isAsked: random.Next(60) == 0);
            }
        }

        public void Settle()
        {
            foreach (var node in _nodes.Values)
            {
                node.IsAway = false;
            }

            for (var round = 0; round < 30; round++)
            {
                foreach (var name in Order)
                {
                    Look(name, _nodes[name], late: false, dies: false, isAsked: false);
                }
            }

            var state = _log[^1];
            Assert.Equal(Source, state.Rollout.Version);
            Assert.True(state.Rollout.IsFinished || state.Rollout.Failure is not null);
            Assert.All(Order, name => Assert.True(
                _nodes[name].Active == state.Good || _nodes[name].Failed == state.Good || _nodes[name].Used > state.GoodBegan, $"{name} has {_nodes[name].Active}"));
        }

        private void Look(string name, Node node, bool late, bool dies, bool isAsked)
        {
            var state = _log.Count == 0 ? null : late && _log.Count > 1 ? _log[^2] : _log[^1];
            var away = _nodes.Where(one => one.Value.IsAway).Select(one => one.Key).ToHashSet();
            var view = new RolloutView(name, Order, Source, node.Seen, node.Active, node.Failed, away, isAsked) { Used = node.Used };
            switch (RolloutRules.Decide(state, view))
            {
                case RolloutStep.Begin begin:
                    if (Append(state, RolloutRules.Begin(begin.Version, Order), name) && !dies)
                    {
                        node.Seen = begin.Version;
                    }

                    break;
                case RolloutStep.Start:
                    Append(state, RolloutRules.Start(state!.Rollout, name), name);
                    break;
                case RolloutStep.Use use:
                    if (!late)
                    {
                        Assert.True(_log[^1].Rollout.Running == name && _log[^1].Rollout.Failure is null);
                    }

                    var refuses = Refuses(name, use.Version);
                    node.Active = refuses ? node.Active : use.Version;
                    node.Used = refuses ? node.Used : state!.Rollout.Began;
                    node.Failed = refuses ? use.Version : null;
                    if (!dies)
                    {
                        Append(state, RolloutRules.End(state!.Rollout, name, refuses ? "refused" : null), name);
                    }

                    break;
                case RolloutStep.CatchUp late1:
                    // Nobody goes back to what came before what it has.
                    Assert.InRange(state!.GoodBegan, node.Used + 1, long.MaxValue);
                    node.Used = Refuses(name, late1.Version) ? node.Used : state.GoodBegan;
                    node.Active = Refuses(name, late1.Version) ? node.Active : late1.Version;
                    node.Failed = Refuses(name, late1.Version) ? late1.Version : null;
                    break;
                case RolloutStep.PassOver pass:
                    Append(state, RolloutRules.PassOver(state!.Rollout, pass.Node), name);
                    break;
            }

            if (_log.Count > 0 && Source == _log[^1].Rollout.Version)
            {
                node.Seen = Source;
            }
        }

        private bool Append(RolloutState? state, RolloutProgress rollout, string name)
        {
            if ((state?.Number ?? 0) != _log.Count)
            {
                return false;
            }

            var next = RolloutRules.Follow(state, rollout, name, "nonce", DateTimeOffset.UnixEpoch);
            if (state?.Rollout is { Failure: not null } before && next.Rollout.Version == before.Version)
            {
                // Only somebody who asks tries a refused version again, and that is a roll-out of its own.
                Assert.Empty(next.Rollout.Done);
                Assert.Null(next.Rollout.Running);
            }

            if (state is { Rollout.Running: { } running } && next.Rollout.Running is { } other)
            {
                Assert.Equal(running, other);
            }

            Finished += next.Rollout.IsFinished ? 1 : 0;
            Stopped += next.Rollout.Failure is not null ? 1 : 0;
            _log.Add(next);
            return true;
        }

        private sealed class Node
        {
            public string? Seen { get; set; }

            public string? Active { get; set; }

            public string? Failed { get; set; }

            public bool IsAway { get; set; }

            public long Used { get; set; }
        }
    }
}
