using System.Collections.Immutable;
using System.Globalization;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>Nodes, network, database and shared storage of one run.</summary>
public sealed class World
{
    public const string Service = "wiki";

    private readonly List<OwnershipProcess> _incarnations = [];

    public World(Scenario scenario, bool trace)
    {
        Scenario = scenario;
        Random = new SeededRandom(scenario.Seed);
        Schedule = new Schedule();
        Trace = new Trace(Schedule, trace);
        Network = new Network(Schedule, new SeededRandom(scenario.Seed ^ 0xA5A5), scenario.Delay);
        Ledger = new Ledger(this);
        Journal = new SimulatedJournal(this);
        Sql = new SqlVote(this);
        var nodes = ImmutableArray.CreateBuilder<Node>(scenario.Nodes);
        for (var number = 0; number < scenario.Nodes; number++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"n{number + 1}");
            var host = new Host(name, new SeededRandom(scenario.Seed + ((ulong)number * 7919)), Schedule);
            host.SetRates(scenario.Rates[number].Boottime, scenario.Rates[number].Monotonic);
            nodes.Add(new Node(this, number, host));
        }

        Nodes = nodes.ToImmutable();
        Shared = new SharedStorage(this);
        foreach (var node in Nodes)
        {
            node.StartProcesses();
        }
    }

    public Scenario Scenario { get; }

    public Bugs Bugs => Scenario.Bugs;

    public Schedule Schedule { get; }

    public SeededRandom Random { get; }

    public Trace Trace { get; }

    public Network Network { get; }

    public SimulatedJournal Journal { get; }

    public SqlVote Sql { get; }

    public SharedStorage Shared { get; }

    public ContentTree Contents { get; } = new();

    public Ledger Ledger { get; }

    public ImmutableArray<Node> Nodes { get; }

    public TimeSpan Now => Schedule.Now;

    /// <summary>The database is away: the journal, the epoch table and the vote that is kept there.</summary>
    public int DatabaseAway { get; set; }

    public TimeSpan JournalLatency { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>The chance that the database does what it was asked and fails to say so.</summary>
    public double JournalSilence { get; set; }

    /// <summary>Nothing fails any more, and what somebody paused is resumed.</summary>
    public bool Calm { get; set; }

    public IReadOnlyList<OwnershipProcess> Incarnations => _incarnations;

    public Node Named(string name) => Nodes[name[1] - '1'];

    /// <summary>A request to a node's voter and its answer, each on its own way.</summary>
    /// <param name="refused">Nobody listens there, and the asker hears of it.</param>
    public void Ask(
        Node from, string voter, VoterRequest request, MessageKinds kind, SimulatedProcess asker, Action<VoterReply> answered, Action? refused = null)
    {
        var answerKind = kind is MessageKinds.Question or MessageKinds.Fence ? MessageKinds.QuestionAnswer : MessageKinds.RenewAnswer;
        var to = Named(voter);
        Network.Send(from.Number, to.Number, kind, () =>
        {
            if (to.Guard is not { } guard)
            {
                if (refused is not null)
                {
                    Network.Send(to.Number, from.Number, answerKind, refused);
                }

                return;
            }

            guard.Vote(request, reply => Network.Send(to.Number, from.Number, answerKind, () =>
            {
                // A guard of the same name may have taken the asker's place: what the answer is worth to it is its own to tell.
                if (!asker.Dead)
                {
                    answered(reply);
                }
                else if (reply is RenewReply late)
                {
                    from.Guard?.Feed(new Lease.Holder.RenewAnswered(late));
                }
            }));
        });
    }

    /// <summary>The database does something at once, and says so, or not.</summary>
    public void AskDatabase<T>(Node from, Func<T> ask, Action<T> answered) => Network.Send(from.Number, Network.Database, MessageKinds.Database, () =>
    {
        if (DatabaseAway > 0)
        {
            return;
        }

        Schedule.After(TimeSpan.FromMicroseconds(100) + (JournalLatency * Random.Fraction()), () =>
        {
            if (DatabaseAway > 0 || (Random.Chance(JournalSilence) && Random.Chance(0.5)))
            {
                return;
            }

            var answer = ask();
            if (!Random.Chance(JournalSilence))
            {
                Network.Send(Network.Database, from.Number, MessageKinds.Database, () => answered(answer));
            }
        });
    });

    /// <summary>Whoever finds that no incarnation can be reached may start one; that is all there is to their being one at a time.</summary>
    public void EnsureIncarnation(Node node)
    {
        foreach (var incarnation in _incarnations)
        {
            if (incarnation.Answers && !Network.IsCut(node.Number, incarnation.Node.Number) && !Network.IsCut(incarnation.Node.Number, node.Number))
            {
                if (Calm && incarnation.State.Record.Paused)
                {
                    incarnation.Feed(new Lease.Ownership.PauseRequested(Random.NextGuid(), false));
                }

                return;
            }
        }

        if (Random.Chance(0.5))
        {
            StartIncarnation(node);
        }
    }

    public void StartIncarnation(Node node)
    {
        var daemon = node.Daemon;
        if (daemon is null)
        {
            return;
        }

        AskDatabase(node, Journal.Read, recovered =>
        {
            if (node.Daemon == daemon && !daemon.Dead)
            {
                _incarnations.RemoveAll(incarnation => incarnation.Dead);
                _incarnations.Add(new OwnershipProcess(this, node, recovered.Record, recovered.Sequence));
            }
        });
    }

    public void KillIncarnationsOf(Node node)
    {
        foreach (var incarnation in _incarnations.Where(incarnation => incarnation.Node == node))
        {
            incarnation.Kill();
        }

        _incarnations.RemoveAll(incarnation => incarnation.Dead);
    }
}
