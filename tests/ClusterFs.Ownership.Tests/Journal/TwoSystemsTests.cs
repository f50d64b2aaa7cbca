using Akka.Actor;
using Akka.Persistence;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership.Tests.Journal;

/// <summary>Two actor systems on one journal: what two nodes are to it.</summary>
public sealed class TwoSystemsTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly ScratchJournal _journal = ScratchJournal.Prepared();
    private ActorSystem _a = null!;
    private ActorSystem _b = null!;

    public Task InitializeAsync()
    {
        _a = ActorSystem.Create("node", OwnershipScene.Config(_journal));
        _b = ActorSystem.Create("node", OwnershipScene.Config(_journal));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _a.Terminate();
        await _b.Terminate();
        _journal.Dispose();
    }

    [Fact]
    public async Task Nothing_is_lost_when_an_entity_returns_to_a_node_that_had_it_before()
    {
        foreach (var system in new[] { _a, _b, _a })
        {
            var writer = system.ActorOf(Props.Create(() => new Writer()));
            for (var i = 0; i < 3; i++)
            {
                await writer.Ask<int>("write", Patience);
            }

            await writer.GracefulStop(Patience);
        }

        var reader = _b.ActorOf(Props.Create(() => new Writer()));

        Assert.Equal(9, await reader.Ask<int>("count", Patience));
    }

    [Fact]
    public async Task Two_incarnations_cannot_both_grant_an_epoch()
    {
        var voters = OwnershipScene.Voters();
        var grants = new List<GrantOwnership>();
        var one = _a.ActorOf(OwnershipScene.Actor(_journal, voters));
        var other = _b.ActorOf(OwnershipScene.Actor(_journal, voters));

        // Both have recovered an empty journal.
        await one.Ask<OwnershipView>(new GetOwnership(OwnershipScene.Service), Patience);
        await other.Ask<OwnershipView>(new GetOwnership(OwnershipScene.Service), Patience);
        var ended = new TaskCompletionSource();
        var ear = _a.ActorOf(Props.Create(() => new Ear(grants)));
        var otherEar = _b.ActorOf(Props.Create(() => new Ear(grants)));
        _a.ActorOf(Props.Create(() => new Watcher(one, ended)));
        _b.ActorOf(Props.Create(() => new Watcher(other, ended)));
        one.Tell(OwnershipScene.Waiting("n1"), ear);
        other.Tell(OwnershipScene.Waiting("n2"), otherEar);

        await ended.Task.WaitAsync(Patience);

        await Eventually(() => grants.Count > 0);
        Assert.Single(grants.Select(grant => (grant.Epoch, grant.Node)).Distinct());
        Assert.Equal(
            _journal.Query("select max(sequence_number) from journal"),
            _journal.Query("select count(*) from journal"));
    }

    private static async Task Eventually(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
        {
            await Task.Delay(20, patience.Token);
        }
    }

    private sealed class Ear : ReceiveActor
    {
        public Ear(List<GrantOwnership> grants)
        {
            Receive<GrantOwnership>(grant =>
            {
                lock (grants)
                {
                    grants.Add(grant);
                }
            });
            ReceiveAny(_ => { });
        }
    }

    private sealed class Watcher : ReceiveActor
    {
        public Watcher(IActorRef watched, TaskCompletionSource ended)
        {
            Context.Watch(watched);
            Receive<Terminated>(_ => ended.TrySetResult());
        }
    }

    private sealed class Writer : ReceivePersistentActor
    {
        private int _count;

        public Writer()
        {
            Recover<OwnershipEvent>(_ => _count++);
            Command<string>(message =>
            {
                if (message == "count")
                {
                    Sender.Tell(_count);
                    return;
                }

                Persist(new OwnershipPaused(DateTimeOffset.UnixEpoch), _ => Sender.Tell(++_count));
            });
        }

        public override string PersistenceId => "writer";
    }
}
