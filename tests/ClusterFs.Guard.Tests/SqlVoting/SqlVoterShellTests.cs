using ClusterFs.Configuration;
using ClusterFs.Demo;
using ClusterFs.Guard.SqlVoting;
using ClusterFs.Lease;
using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;
using CsCheck;

namespace ClusterFs.Guard.Tests.SqlVoting;

/// <summary>The same history, asked at a real database and at the rules over a row in memory, gets the same answers.</summary>
public sealed class SqlVoterShellTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);

    private static readonly Gen<Step> Steps = Gen.Select(
        Gen.Int[0, 1],
        Gen.OneOf(
            Gen.Select(Gen.Long[1, 4], Gen.Int[1, 2], (epoch, node) =>
                (VoterRequest)new Renew("", epoch, $"n{node}", Ttl, new RoundId("boot", Guid.Empty, 0))),
            Gen.Select(Gen.Long[1, 4], Gen.Bool, (epoch, agreed) => (VoterRequest)new Fence("", epoch, agreed, Guid.Empty)),
            Gen.Select(Gen.Long[1, 4], Gen.Int[1, 2], (epoch, node) => (VoterRequest)new Release("", epoch, $"n{node}")),
            Gen.Const((VoterRequest)new Probe("", Guid.Empty)),
            Gen.Select(Gen.Long[0, 2], Gen.Bool, (epoch, known) =>
                (VoterRequest)new Join("", known ? Guid.Empty : Guid.NewGuid(), new Binding(epoch, null), Ttl))),
        Gen.Int[0, 3_000],
        (asker, request, milliseconds) => new Step(asker, request, milliseconds));

    [SkippableTheory]
    [InlineData(JournalProvider.Sqlite)]
    [InlineData(JournalProvider.PostgreSql)]
    public async Task The_database_answers_as_the_rules_do(JournalProvider provider)
    {
        SkipWithout(provider);
        await using var database = await ScratchDatabase.Of(provider);
        var at = TimeSpan.FromSeconds(1_000);
        using var first = Shell(database, () => new Instant(at, at));
        using var second = Shell(database, () => new Instant(at, at));
        SqlVoterShell[] shells = [first, second];
        var services = 0;
        await Steps.Array[1, 40].SampleAsync(
            async steps =>
            {
                var service = $"s{++services}";
                var model = new ModelVoter(service);
                var join = Guid.Empty;
                var rounds = 0L;
                foreach (var (asker, asked, milliseconds) in steps)
                {
                    at += TimeSpan.FromMilliseconds(milliseconds);
                    var request = asked switch
                    {
                        Renew renew => renew with { Service = service, Round = new RoundId("boot", Guid.Empty, ++rounds) },
                        Join { Identity: var identity } known when identity == Guid.Empty => known with { Service = service, Identity = join },
                        _ => asked with { Service = service },
                    };
                    var real = await shells[asker].AskAsync(request);
                    join = real switch
                    {
                        ProbeReply { Identity: var told } => told,
                        FenceReply { Identity: var told } => told,
                        JoinReply { Identity: var told } => told,
                        _ => join,
                    };
                    var modelled = model.Ask(asker, request, join, new Instant(at, at));
                    Assert.Equal(Anonymous(modelled), Anonymous(real));
                }
            },
            iter: 30,
            threads: 1);
    }

    [SkippableTheory]
    [InlineData(JournalProvider.Sqlite)]
    [InlineData(JournalProvider.PostgreSql)]
    public async Task Of_two_that_renew_at_once_one_is_acked(JournalProvider provider)
    {
        SkipWithout(provider);
        await using var database = await ScratchDatabase.Of(provider);
        var at = TimeSpan.FromSeconds(1_000);
        using var first = Shell(database, () => new Instant(at, at));
        using var second = Shell(database, () => new Instant(at, at));
        var services = Enumerable.Range(1, 40).Select(number => $"s{number}").ToList();
        foreach (var identity in await Task.WhenAll(services.Select(async service =>
            (Service: service, ((ProbeReply)await first.AskAsync(new Probe(service, Guid.Empty))).Identity))))
        {
            _ = await second.AskAsync(new Probe(identity.Service, Guid.Empty));
            var joining = new Join(identity.Service, identity.Identity, Binding.None, TimeSpan.Zero);
            Assert.True(((JoinReply)await first.AskAsync(joining)).Joined);
        }

        var answers = await Task.WhenAll(services.SelectMany(service => new[]
        {
            first.AskAsync(new Renew(service, 1, "n1", Ttl, new RoundId("boot", Guid.Empty, 1))),
            second.AskAsync(new Renew(service, 1, "n2", Ttl, new RoundId("boot", Guid.Empty, 1))),
        }));
        Assert.All(
            answers.Cast<RenewReply>().GroupBy(answer => answer.Service),
            answers => Assert.Equal([RenewOutcome.Acked, RenewOutcome.BelowFloor], answers.Select(answer => answer.Outcome).Order()));
    }

    [SkippableTheory]
    [InlineData(JournalProvider.Sqlite)]
    [InlineData(JournalProvider.PostgreSql)]
    public async Task A_row_that_was_lost_comes_back_as_another_and_abstains(JournalProvider provider)
    {
        SkipWithout(provider);
        await using var database = await ScratchDatabase.Of(provider);
        using var shell = Shell(database, () => GuardClock.Now);
        var before = (ProbeReply)await shell.AskAsync(new Probe("wiki", Guid.Empty));
        Assert.True(((JoinReply)await shell.AskAsync(new Join("wiki", before.Identity, new Binding(7, "n1"), TimeSpan.Zero))).Joined);
        Assert.Equal(new Binding(7, "n1"), ((ProbeReply)await shell.AskAsync(new Probe("wiki", Guid.Empty))).Floor);

        database.Execute($"delete from {SqlVoterTable.Name}");
        var renewed = (RenewReply)await shell.AskAsync(new Renew("wiki", 7, "n1", Ttl, new RoundId("boot", Guid.Empty, 1)));
        Assert.Equal(RenewOutcome.Abstained, renewed.Outcome);
        var after = (ProbeReply)await shell.AskAsync(new Probe("wiki", Guid.Empty));
        Assert.True(after.Abstains);
        Assert.NotEqual(before.Identity, after.Identity);
    }

    [SkippableFact]
    public async Task A_server_that_went_away_is_asked_again_when_it_is_back()
    {
        SkipWithout(JournalProvider.PostgreSql);
        await using var database = await ScratchDatabase.Of(JournalProvider.PostgreSql);
        using var shell = Shell(database, () => GuardClock.Now);
        _ = await shell.AskAsync(new Probe("wiki", Guid.Empty));
        await database.Server.Stop();
        await Assert.ThrowsAsync<VoterUnreachableException>(() => shell.AskAsync(new Probe("wiki", Guid.Empty)));
        await database.Server.Start();
        _ = await shell.AskAsync(new Probe("wiki", Guid.Empty));
    }

    private static void SkipWithout(JournalProvider provider) =>
        Skip.If(provider == JournalProvider.PostgreSql && PrivatePostgres.Missing is not null, PrivatePostgres.Missing);

    private static SqlVoterShell Shell(ScratchDatabase database, Func<Instant> now) =>
        new(database.Open(), TimeSpan.FromSeconds(30), watchEvery: null, now);

    private static VoterReply Anonymous(VoterReply reply) => reply switch
    {
        ProbeReply probe => probe with { Identity = Guid.Empty },
        FenceReply fence => fence with { Identity = Guid.Empty },
        JoinReply join => join with { Identity = Guid.Empty },
        _ => reply,
    };

    private sealed record Step(int Asker, VoterRequest Request, int Milliseconds);

    /// <summary>A row in memory, and what each asker saw of it last.</summary>
    private sealed class ModelVoter(string service)
    {
        private readonly SqlVoterSight?[] _sights = new SqlVoterSight?[2];
        private SqlVoterRow? _row;

        public VoterReply Ask(int asker, VoterRequest request, Guid identity, Instant now)
        {
            var guess = SqlVoterMachine.Decide(_sights[asker], request, now);
            if (guess.Write is { } guessed && _sights[asker]!.Row == _row)
            {
                return Write(asker, guessed, guess.Reply, now);
            }

            if (_row is null && request is Probe or Fence or Join)
            {
                _row = SqlVoterRow.New(service, identity);
            }

            _sights[asker] = _row is null ? null : SqlVoterSight.Of(_sights[asker], _row, now);
            var decision = SqlVoterMachine.Decide(_sights[asker], request, now);
            return decision.Write is { } row ? Write(asker, row, decision.Reply, now) : decision.Reply;
        }

        private VoterReply Write(int asker, SqlVoterRow row, VoterReply reply, Instant now)
        {
            _row = row;
            _sights[asker] = SqlVoterSight.Of(_sights[asker], row, now);
            return reply;
        }
    }
}
