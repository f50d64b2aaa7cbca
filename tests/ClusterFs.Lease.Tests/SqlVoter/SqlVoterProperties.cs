using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;
using CsCheck;

namespace ClusterFs.Lease.Tests.SqlVoter;

/// <summary>
/// Several processes that ask at the same row, each with a clock that began elsewhere, and each deciding on what it saw last: stale for as
/// long as it did not look.
/// </summary>
public sealed class SqlVoterProperties
{
    private const string Wiki = "wiki";
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);

    private static readonly Gen<Move> Moves = Gen.Select(
        Gen.Int[0, 2],
        Gen.OneOf(
            Gen.Select(Gen.Long[1, 4], Gen.Int[1, 2], (epoch, node) => (VoterRequest?)new Renew(
                Wiki, epoch, $"n{node}", Ttl, new RoundId("boot", Guid.Empty, 0))),
            Gen.Select(Gen.Long[1, 4], Gen.Bool, (epoch, agreed) => (VoterRequest?)new Fence(Wiki, epoch, agreed, Guid.Empty)),
            Gen.Select(Gen.Long[1, 4], Gen.Int[1, 2], (epoch, node) => (VoterRequest?)new Release(Wiki, epoch, $"n{node}")),
            Gen.Const((VoterRequest?)null)),
        Gen.Int[0, 3_000],
        (asker, request, milliseconds) => new Move(asker, request, milliseconds));

    [Fact]
    public void Nobody_is_acked_while_a_promise_to_another_runs_and_floors_only_rise() => Moves.Array[1, 60].Sample(moves =>
    {
        var row = SqlVoterRow.New(Wiki, Guid.Empty) with { Floor = Binding.None, LongestTtl = Ttl };
        var sights = new SqlVoterSight?[3];
        var at = TimeSpan.FromSeconds(100);
        var rounds = 0L;
        var promises = new List<(Binding To, TimeSpan Until)>();
        foreach (var (asker, asked, milliseconds) in moves)
        {
            at += TimeSpan.FromMilliseconds(milliseconds);
            var clock = at + TimeSpan.FromSeconds(asker * 1_000);
            var now = new Instant(clock, clock);
            if (asked is null)
            {
                sights[asker] = SqlVoterSight.Of(sights[asker], row, now);
                continue;
            }

            var request = asked is Renew renewal ? renewal with { Round = renewal.Round with { Number = ++rounds } } : asked;
            var (write, reply) = SqlVoterMachine.Decide(sights[asker], request, now);

            // The database's whole part: it takes the row only if it is still the one that was decided on.
            if (write is null || sights[asker]!.Row != row)
            {
                continue;
            }

            Assert.True(write.Floor!.Value.Epoch >= row.Floor!.Value.Epoch, $"{row.Floor} fell to {write.Floor}");
            row = write;
            sights[asker] = SqlVoterSight.Of(sights[asker], row, now);
            switch (request, reply)
            {
                case (Renew renew, RenewReply { Outcome: RenewOutcome.Acked }):
                    var to = new Binding(renew.Epoch, renew.Node);
                    Assert.DoesNotContain(promises, promise => promise.To.Node != to.Node && promise.Until > at);
                    promises.RemoveAll(promise => promise.To.Node == to.Node);
                    promises.Add((to, at + Ttl));
                    break;
                case (Fence, FenceReply { Outcome: FenceOutcome.Raised } raised):
                    Assert.DoesNotContain(promises, promise => promise.Until > at + raised.Remaining);
                    break;
                case (Release release, _):
                    promises.RemoveAll(promise => promise.To == new Binding(release.Epoch, release.Node));
                    break;
            }
        }
    });

    private sealed record Move(int Asker, VoterRequest? Request, int Milliseconds);
}
