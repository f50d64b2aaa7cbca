using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;
using CsCheck;

namespace ClusterFs.Archive.Tests.Restore;

/// <summary>
/// Whatever was done to a tree, on whichever node: every dump comes back as the tree was, byte for byte and with its metadata, into an empty
/// place and over anything that lies there.
/// </summary>
public sealed class AnyHistoryTests
{
    private static readonly string[] Nodes = ["n1", "n2"];

    /// <summary>One dump after some changes; then, perhaps, the other node takes over, after changes of its own that nobody wanted.</summary>
    private sealed record Step(TreeChange[] Changes, bool Moves, bool Strays, TreeChange[] Stray);

    /// <param name="Dump">Which one, modulo how many there are.</param>
    /// <param name="Before">What is done to the copy before the dump is restored over it.</param>
    private sealed record Restore(int Dump, bool Strays, TreeChange[] Before);

    /// <param name="inPlace">Whether what lies there is changed in place, however much differs; otherwise another tree is built beside it.</param>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_dump_restores_into_nothing_and_over_anything(bool inPlace)
    {
        Func<StoredContent, ChangeLimits> limitsOf = inPlace ? TestBed.AlwaysInPlace : TestBed.NeverInPlace;
        var (over, changed) = (0, 0);
        var steps = Gen.Select(TreeChange.Some, Gen.Bool, Gen.Bool, TreeChange.Some, (changes, moves, strays, stray) => new Step(changes, moves, strays, stray));
        var restores = Gen.Select(Gen.Int[0, 100], Gen.Bool, TreeChange.Some, (dump, strays, before) => new Restore(dump, strays, before));
        Gen.Select(steps.Array[2, 6], restores.Array[1, 4]).Sample(
            (history, restored) =>
            {
                using var bed = new TestBed();
                var states = Play(bed, history, limitsOf);
                foreach (var (dump, state) in states)
                {
                    var to = bed.Scratch($"out{dump.Slot}");
                    bed.Archive.RestoreTo(dump.Content, to, null, CancellationToken.None);
                    Assert.Equal(state, TestBed.Describe(to));
                    Assert.Empty(bed.Archive.Verify(dump.Content, CancellationToken.None).Damages);
                }

                foreach (var restore in restored)
                {
                    if (restore.Strays)
                    {
                        Apply(restore.Before, bed.Live("n3"));
                    }

                    var (dump, state) = states[restore.Dump % states.Count];
                    var before = FileStatus.TryRead(bed.Live("n3"))?.Inode;
                    bed.On("n3", content => content.RestoreOver(dump, null, CancellationToken.None), limitsOf: limitsOf);
                    Assert.Equal(state, TestBed.Describe(bed.Live("n3")));
                    over += before is null ? 0 : 1;
                    changed += FileStatus.TryRead(bed.Live("n3"))!.Value.Inode == before ? 1 : 0;
                }
            },
            iter: 40,
            threads: 1);

        Assert.Equal(inPlace, changed > 0 && changed > over / 2);
    }

    private static List<(DumpRecord Dump, string State)> Play(TestBed bed, Step[] history, Func<StoredContent, ChangeLimits> limitsOf)
    {
        var states = new List<(DumpRecord Dump, string State)>();
        var (node, epoch) = (0, 1);
        Directory.CreateDirectory(bed.Live(Nodes[node]));
        bed.TakeOver(Nodes[node], epoch);
        bed.Write(Nodes[node], "first", "so that there is a dump");
        foreach (var step in history)
        {
            var live = bed.Live(Nodes[node]);
            Apply(step.Changes, live);
            if (bed.On(Nodes[node], content => content.Dump(epoch, CancellationToken.None)) is DumpResult.Committed committed)
            {
                states.Add((committed.Record, TestBed.Describe(live)));
            }

            if (step.Moves)
            {
                node = 1 - node;
                epoch++;
                if (step.Strays)
                {
                    Apply(step.Stray, bed.Live(Nodes[node]));
                }

                var basis = bed.TakeOver(Nodes[node], epoch, limitsOf).Basis;
                Assert.True(basis is ContentBasis.Restored or ContentBasis.EqualToHead, $"{basis}");
                if (basis == ContentBasis.Restored)
                {
                    Assert.Equal(states[^1].State, TestBed.Describe(bed.Live(Nodes[node])));
                }
            }
        }

        return states;
    }

    private static void Apply(TreeChange[] changes, string live)
    {
        foreach (var change in changes)
        {
            change.Apply(live);
        }
    }
}
