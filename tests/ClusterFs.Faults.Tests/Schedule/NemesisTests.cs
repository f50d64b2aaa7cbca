using ClusterFs.Faults.Schedule;

namespace ClusterFs.Faults.Tests.Schedule;

public sealed class NemesisTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(3);

    [Fact]
    public void The_same_seed_draws_the_same_rounds()
    {
        Assert.Equal(Written(new Nemesis(7, 3, Ttl), 50), Written(new Nemesis(7, 3, Ttl), 50));
    }

    [Fact]
    public void Another_seed_draws_others()
    {
        Assert.NotEqual(Written(new Nemesis(7, 3, Ttl), 50), Written(new Nemesis(8, 3, Ttl), 50));
    }

    [Fact]
    public void A_seed_draws_what_it_drew_when_it_was_noted_down()
    {
        Assert.Equal("0.0+7.5 the owner hears nobody", Written(new Nemesis(1, 3, Ttl), 1)[0]);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Every_kind_of_fault_comes_up_and_hits_somebody(int nodes)
    {
        var names = Enumerable.Range(1, nodes).Select(node => $"n{node}").ToList();
        var nemesis = new Nemesis(1, nodes, Ttl);
        var faults = Enumerable.Range(1, 1000).SelectMany(number => nemesis.RoundOf(number).Faults).Select(planned => planned.Fault).ToList();

        // Two nodes have no minority of two.
        Assert.Equal(nodes == 2 ? 27 : 28, faults.Select(fault => fault.Kind).Distinct().Count());
        Assert.All(
            faults.OfType<Fault.Partition>().Where(cut => cut.Shape is Shape.Pair or Shape.Minority),
            cut => Assert.Equal(2, cut.Node.Resolve(names, "n1", "db").Concat(cut.Other.Resolve(names, "n1", "db")).Distinct().Count()));
    }

    [Fact]
    public void No_two_faults_of_a_round_act_on_the_same_thing()
    {
        var nemesis = new Nemesis(1, 3, Ttl);
        foreach (var round in Enumerable.Range(1, 1000).Select(nemesis.RoundOf))
        {
            Assert.InRange(round.Faults.Count, 1, Nemesis.MostAtOnce);
            Assert.True(round.Faults.Count(planned => planned.Fault is Fault.PowerCut or Fault.DiskLoss) <= 1);
            Assert.True(round.Faults.Count(planned => planned.Fault is Fault.Pause) <= 1);
        }
    }

    [Fact]
    public void Pauses_and_cuts_are_shorter_and_longer_than_the_ttl()
    {
        var nemesis = new Nemesis(1, 3, Ttl);
        var pauses = Enumerable.Range(1, 1000).SelectMany(number => nemesis.RoundOf(number).Faults)
            .Where(planned => planned.Fault is Fault.Pause)
            .ToList();

        Assert.Contains(pauses, pause => pause.For < Ttl);
        Assert.Contains(pauses, pause => pause.For > Ttl * 2);
    }

    private static List<string> Written(Nemesis nemesis, int rounds) =>
    [
        .. Enumerable.Range(1, rounds).SelectMany(number => nemesis.RoundOf(number).Faults).Select(planned =>
            FormattableString.Invariant($"{planned.At.TotalSeconds:0.0}+{planned.For.TotalSeconds:0.0} {planned.Fault}")),
    ];
}
