using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using ClusterFs.Guard.Holding;
using ClusterFs.Guard.Transport;
using ClusterFs.Guard.Voting;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClusterFs.Guard.Tests.Holding;

/// <summary>Real voters, the other one's behind a real port.</summary>
public sealed class RenewalSenderTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(20);
    private static readonly Instant Now = new(TimeSpan.FromHours(1), TimeSpan.FromHours(1));
    private static readonly RoundId Round = new("boot", Guid.NewGuid(), 1);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("clusterfs-sender-");
    private readonly ConcurrentQueue<HolderInput> _answers = new();
    private readonly StandingTime _time = new();
    private readonly int _port = FreePort();
    private readonly VoterShell _own = WithFullDisk("n1");
    private readonly VoterShell _other = WithFullDisk("n2");
    private readonly VoterClient _peers;
    private readonly RenewalSender _sender;
    private WebApplication? _server;

    public RenewalSenderTests()
    {
        _peers = new VoterClient(new Dictionary<string, string> { ["n2"] = "127.0.0.1" }, _port);
        _sender = new RenewalSender("n1", _own, _peers, sqlVoter: null, new GuardFigures(), _time, NullLogger.Instance) { Answers = _answers.Enqueue };
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    public void Dispose()
    {
        _peers.Dispose();
        _own.Dispose();
        _other.Dispose();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData("n1")]
    [InlineData("n2")]
    public async Task A_renewal_that_the_voter_cannot_write_costs_no_other_of_its_batch(string voter)
    {
        await StartOtherAsync();

        // Whichever of them comes first. What was acked before needs no disk.
        _sender.Renew([Renewal(voter, "mail"), Renewal(voter, "web"), Renewal(voter, "wiki")]);

        _ = await Eventually.Is(() => _answers.Count == 3, "three answers");
        var acked = Assert.Single(_answers.OfType<RenewAnswered>()).Reply;
        Assert.Equal(("web", voter, RenewOutcome.Acked), (acked.Service, acked.Voter, acked.Outcome));
        Assert.Equal(["mail", "wiki"], _answers.OfType<RenewUnanswered>().Select(unanswered => unanswered.Service).Order());
        Assert.All(_answers.OfType<RenewUnanswered>(), unanswered => Assert.Equal((voter, Round), (unanswered.Voter, unanswered.Round)));
    }

    [Fact]
    public async Task A_voter_that_is_not_there_answers_none()
    {
        _sender.Renew([Renewal("n2", "web"), Renewal("n2", "wiki")]);

        _ = await Eventually.Is(() => _answers.Count == 2, "two answers");
        Assert.Equal(["web", "wiki"], _answers.OfType<RenewUnanswered>().Select(unanswered => unanswered.Service).Order());
    }

    [Fact]
    public async Task A_release_waits_for_a_guard_that_is_being_restarted()
    {
        _sender.Release([new SendRelease("n2", new Release("web", 1, "n1"))]);

        _ = await Eventually.Is(() => _time.Waiting == 1, "the pause after the first attempt");
        await StartOtherAsync();

        // On a busy machine the second attempt may have no connection in time; a third is made.
        var sent = _sender.FlushAsync();
        _ = await Eventually.Is(
            () =>
            {
                _time.Pass();
                return sent.IsCompleted;
            },
            "the end of all attempts");
        Assert.Contains("web", _other.State.GivenUp);
    }

    private static SendRenew Renewal(string voter, string service) => new(voter, new Renew(service, 1, "n1", Ttl, Round));

    /// <summary>It acks what it has acked before, and nothing new.</summary>
    private static VoterShell WithFullDisk(string name) => new(
        new VoterState(name, Now - (Ttl * 2), new DurableVoterState(
            Guid.NewGuid(),
            Ttl,
            ImmutableSortedDictionary.Create<string, Binding>(StringComparer.Ordinal)
                .Add("mail", Binding.None).Add("web", new Binding(1, "n1")).Add("wiki", Binding.None))),
        _ => throw new IOException("disk full"),
        () => Now,
        NullLogger.Instance);

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private async Task StartOtherAsync()
    {
        var settings = new GuardSettings(
            "test", "n2", "127.0.0.1", _port, Path.Combine(_directory.FullName, "guard.sock"), _directory.FullName, Ttl,
            ImmutableSortedDictionary<string, string>.Empty, ImmutableSortedDictionary<string, GuardedService>.Empty);
        var nobodyLocal = new LocalEndpoint(null!, null!, null!, null!, null!, null!, null!, NullLogger.Instance, CancellationToken.None);
        _server = GuardServer.Create(settings, NullLoggerFactory.Instance, new VoterEndpoint(_other), nobodyLocal);
        await _server.StartAsync();
    }

    /// <summary>Passes when told to.</summary>
    private sealed class StandingTime : TimeProvider
    {
        private readonly ConcurrentQueue<Action> _waiting = new();

        public int Waiting => _waiting.Count;

        public void Pass()
        {
            while (_waiting.TryDequeue(out var due))
            {
                due();
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _waiting.Enqueue(() => callback(state));
            return new Timer();
        }

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
