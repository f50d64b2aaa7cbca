using System.Collections.Concurrent;
using ClusterFs.Guard.Transport;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Guard.Tests.Transport;

public sealed class ProbeBatchesTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    private readonly ConcurrentQueue<(string Voter, IReadOnlyList<Probe> Probes, TimeSpan Timeout)> _sent = new();

    [Fact]
    public async Task Probes_of_one_moment_go_as_one_message_and_each_gets_its_own_answer()
    {
        var batches = new ProbeBatches(AnswerAsync);
        var probes = Enumerable.Range(0, 40).Select(number => new Probe($"service-{number}", Guid.NewGuid())).ToList();

        var replies = await Task.WhenAll(probes.Select(probe => batches.AskAsync("v1", probe, Timeout)));

        Assert.Equal(probes.Select(probe => (probe.Service, probe.Nonce)), replies.Select(reply => (reply.Service, reply.Nonce)));
        Assert.Equal(40, _sent.Sum(one => one.Probes.Count));
        Assert.InRange(_sent.Count, 1, 39);
    }

    [Fact]
    public async Task A_message_holds_no_more_than_a_voter_can_take()
    {
        var batches = new ProbeBatches(AnswerAsync);

        _ = await Task.WhenAll(Enumerable.Range(0, 1100).Select(number => batches.AskAsync("v1", new Probe($"s{number}", Guid.NewGuid()), Timeout)));

        Assert.All(_sent, one => Assert.InRange(one.Probes.Count, 1, 512));
        Assert.Equal(1100, _sent.Sum(one => one.Probes.Count));
    }

    [Fact]
    public async Task Voters_are_asked_apart()
    {
        var batches = new ProbeBatches(AnswerAsync);

        var replies = await Task.WhenAll(
            batches.AskAsync("v1", new Probe("wiki", Guid.NewGuid()), Timeout), batches.AskAsync("v2", new Probe("wiki", Guid.NewGuid()), Timeout));

        Assert.Equal(["v1", "v2"], replies.Select(reply => reply.Voter));
        Assert.All(_sent, one => Assert.Single(one.Probes));
    }

    [Fact]
    public async Task A_message_that_fails_fails_for_all_of_it_and_the_next_is_a_new_one()
    {
        var fails = true;
        var batches = new ProbeBatches((voter, probes, timeout) => fails ? throw new VoterUnreachableException(voter, "gone") : AnswerAsync(voter, probes, timeout));

        var asked = Enumerable.Range(0, 3).Select(_ => batches.AskAsync("v1", new Probe("wiki", Guid.NewGuid()), Timeout)).ToList();
        foreach (var one in asked)
        {
            _ = await Assert.ThrowsAsync<VoterUnreachableException>(() => one);
        }

        fails = false;
        Assert.Equal("wiki", (await batches.AskAsync("v1", new Probe("wiki", Guid.NewGuid()), Timeout)).Service);
    }

    private Task<IReadOnlyList<ProbeReply>> AnswerAsync(string voter, IReadOnlyList<Probe> probes, TimeSpan timeout)
    {
        _sent.Enqueue((voter, probes.ToList(), timeout));
        return Task.FromResult<IReadOnlyList<ProbeReply>>(
            probes.Select(probe => new ProbeReply(probe.Service, voter, Guid.Empty, probe.Nonce, false, default, TimeSpan.Zero)).ToList());
    }
}
