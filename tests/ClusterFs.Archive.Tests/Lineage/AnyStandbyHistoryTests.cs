using ClusterFs.Archive.Lineage;
using CsCheck;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>
/// Whatever is dumped on one node, followed on another, cut short there and changed there by hand: who takes over goes on with the head of the line.
/// </summary>
public sealed class AnyStandbyHistoryTests
{
    private static readonly string[] Nodes = ["n1", "n2"];

    private static readonly string[] Points =
    [
        "standby changing", "standby changed", "standby synced", "standby indexed", "standby whole", "standby ready", "standby staged", "announced", "exchanged",
        "swapped", "opened",
    ];

    private enum StepKind
    {
        Dump,
        Follow,
        FollowCut,
        TakeOver,
        TakeOverCut,
        Stray,
    }

    /// <param name="Point">Where it is cut short.</param>
    private sealed record Step(StepKind Kind, TreeChange[] Changes, int Point);

    [Fact]
    public void A_takeover_goes_on_with_the_head_of_the_line()
    {
        var kinds = Gen.Frequency(
            (4, Gen.Const(StepKind.Dump)),
            (3, Gen.Const(StepKind.Follow)),
            (3, Gen.Const(StepKind.FollowCut)),
            (2, Gen.Const(StepKind.TakeOver)),
            (2, Gen.Const(StepKind.TakeOverCut)),
            (1, Gen.Const(StepKind.Stray)));
        Gen.Select(kinds, TreeChange.Some, Gen.Int[0, Points.Length - 1], (kind, changes, point) => new Step(kind, changes, point)).Array[4, 14].Sample(
            history =>
            {
                using var bed = new TestBed();
                new Play(bed).Run(history);
            },
            iter: 60,
            threads: 1);
    }

    private sealed class Play(TestBed bed)
    {
        private int _owner;
        private long _epoch = 1;
        private string _head = string.Empty;

        private string Owner => Nodes[_owner];

        private string Other => Nodes[1 - _owner];

        public void Run(Step[] history)
        {
            Directory.CreateDirectory(bed.Live(Owner));
            bed.TakeOver(Owner, _epoch);
            bed.Write(Owner, "first", "so that there is a dump");
            Dump();
            foreach (var step in history)
            {
                Do(step);
            }

            TakeOver();
        }

        private void Do(Step step)
        {
            switch (step.Kind)
            {
                case StepKind.Dump:
                    Apply(step.Changes, bed.Live(Owner));
                    Dump();
                    break;
                case StepKind.Follow:
                    if (bed.Follow(Other) is FollowResult.Followed)
                    {
                        Assert.Equal(_head, TestBed.Describe(bed.Standby(Other), onlyContent: true));
                    }

                    break;
                case StepKind.FollowCut:
                    Cut(() => bed.Follow(Other, Crash(step.Point)));
                    break;
                case StepKind.TakeOver:
                    TakeOver();
                    break;
                case StepKind.TakeOverCut:
                    Cut(() => bed.On(Other, content => content.TakeOver(_epoch + 1, null, CancellationToken.None), Crash(step.Point)));
                    TakeOver();
                    break;
                case StepKind.Stray when Directory.Exists(bed.Standby(Other)):
                    Apply(step.Changes, bed.Standby(Other));
                    break;
            }
        }

        private void TakeOver()
        {
            _epoch++;
            bed.TakeOver(Other, _epoch);
            _owner = 1 - _owner;
            Assert.Equal(_head, TestBed.Describe(bed.Live(Owner), onlyContent: true));
            Dump();
        }

        private void Dump()
        {
            if (bed.On(Owner, content => content.Dump(_epoch, CancellationToken.None)) is DumpResult.Committed)
            {
                _head = TestBed.Describe(bed.Live(Owner), onlyContent: true);
            }
        }

        private static Action<string> Crash(int point) => reached =>
        {
            if (reached == Points[point])
            {
                throw new Crashed();
            }
        };

        private static void Cut(Action action)
        {
            try
            {
                action();
            }
            catch (Crashed)
            {
            }
        }

        private static void Apply(TreeChange[] changes, string live)
        {
            foreach (var change in changes)
            {
                change.Apply(live);
            }
        }
    }

    private sealed class Crashed : Exception;
}
