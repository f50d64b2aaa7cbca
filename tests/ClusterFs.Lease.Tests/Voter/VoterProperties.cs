using System.Collections.Immutable;
using ClusterFs.Lease.Voter;
using CsCheck;

namespace ClusterFs.Lease.Tests.Voter;

/// <summary>What holds after any requests in any order, restarts included.</summary>
public sealed class VoterProperties
{
    private const string Wiki = "wiki";
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);

    private static readonly Gen<VoterRequest?> Request = Gen.OneOf(
        Gen.Select(Gen.Long[1, 4], Gen.Int[1, 3], (epoch, node) => (VoterRequest?)new Renew(
            Wiki, epoch, $"n{node}", Ttl, new RoundId("boot", Guid.Empty, 1))),
        Gen.Select(Gen.Long[1, 4], Gen.Bool, (epoch, agreed) => (VoterRequest?)new Fence(Wiki, epoch, agreed, Guid.Empty)),
        Gen.Select(Gen.Long[1, 4], Gen.Int[1, 3], (epoch, node) => (VoterRequest?)new Release(Wiki, epoch, $"n{node}")),
        Gen.Const((VoterRequest?)new Probe(Wiki, Guid.Empty)),
        Gen.Const((VoterRequest?)null));

    private static readonly Gen<(VoterRequest? Request, int Milliseconds)[]> History =
        Gen.Select(Request, Gen.Int[0, 4_000]).Array[1, 40];

    [Fact]
    public void Floors_only_rise_and_a_bound_epoch_keeps_its_node() => History.Sample(history =>
    {
        var floor = Binding.None;
        foreach (var (_, state, _, _) in Play(history))
        {
            var next = state.Durable.Floors[Wiki];
            Assert.True(next.Epoch >= floor.Epoch, $"{floor} fell to {next}");
            Assert.True(next.Epoch > floor.Epoch || floor.Node is null || next.Node == floor.Node, $"{floor} was rebound to {next}");
            floor = next;
        }
    });

    [Fact]
    public void Nobody_is_acked_while_a_promise_to_another_runs_even_across_restarts() => History.Sample(history =>
    {
        var promises = new List<(Binding To, TimeSpan Until)>();
        foreach (var (request, _, effects, at) in Play(history))
        {
            if (request is Release release)
            {
                promises.RemoveAll(promise => promise.To == new Binding(release.Epoch, release.Node));
            }

            if (request is Renew renew && effects.OfType<Answer>().Any(answer => answer.Reply is RenewReply { Outcome: RenewOutcome.Acked }))
            {
                var asked = new Binding(renew.Epoch, renew.Node);
                Assert.DoesNotContain(
                    promises, promise => (promise.To.Node != asked.Node || promise.To.Epoch > asked.Epoch) && promise.Until > at);

                // A node that goes on under a higher epoch takes its own promises along.
                promises.RemoveAll(promise => promise.To.Node == asked.Node);
                promises.Add((asked, at + Ttl));
            }
        }
    });

    [Fact]
    public void What_an_answer_rests_on_is_persisted_before_it() => History.Sample(history =>
    {
        var onDisk = default(Binding?);
        foreach (var (_, state, effects, _) in Play(history))
        {
            foreach (var effect in effects)
            {
                switch (effect)
                {
                    case PersistVoter persist:
                        onDisk = persist.State.Floors[Wiki];
                        break;
                    case Answer { Reply: RenewReply { Outcome: RenewOutcome.Acked } or FenceReply { Outcome: FenceOutcome.Raised } }:
                        Assert.Equal(state.Durable.Floors[Wiki], onDisk);
                        break;
                }
            }
        }
    });

    /// <summary>A null request is a restart: the durable state stays, the promises go, and a new start is read.</summary>
    private static IEnumerable<(VoterRequest? Request, VoterState State, ImmutableArray<VoterEffect> Effects, TimeSpan At)> Play(
        (VoterRequest? Request, int Milliseconds)[] history)
    {
        var floors = ImmutableSortedDictionary.Create<string, Binding>(StringComparer.Ordinal).Add(Wiki, Binding.None);
        var at = TimeSpan.FromSeconds(100);
        var state = new VoterState("v", Moments.At(0), new DurableVoterState(Guid.Empty, Ttl, floors));
        foreach (var (request, milliseconds) in history)
        {
            at += TimeSpan.FromMilliseconds(milliseconds);
            ImmutableArray<VoterEffect> effects = [];
            if (request is null)
            {
                state = new VoterState("v", new Instant(at, at), state.Durable);
            }
            else
            {
                (state, effects) = VoterMachine.Handle(state, request, new Instant(at, at));
            }

            yield return (request, state, effects, at);
        }
    }
}
