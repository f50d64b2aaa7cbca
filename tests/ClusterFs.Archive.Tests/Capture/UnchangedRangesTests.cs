using ClusterFs.Archive.Capture;
using ClusterFs.Posix;
using CsCheck;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>Two files on a model of a disk: what is called unchanged has the same bytes in both.</summary>
public sealed class UnchangedRangesTests
{
    private const int Page = 4096;
    private const int Pages = 12;

    /// <param name="Block">On the disk; 0 is a hole, and the one that is as much below 0 is a block whose place says nothing of its bytes.</param>
    private sealed record Layout(int[] Block, long Size);

    private static readonly Gen<Layout> Layouts = Gen.Select(
        Gen.Frequency((6, Gen.Int[1, Pages]), (2, Gen.Const(0)), (1, Gen.Int[-Pages, -1])).Array[Pages],
        Gen.Int[0, Pages * Page],
        (block, size) => new Layout(block, size));

    [Fact]
    public void What_is_called_unchanged_lies_at_one_place_and_nothing_that_does_is_missed()
    {
        var elsewhere = Gen.Int[0, Pages - 1].Array[0, 3];
        Gen.Select(Layouts, Layouts, Gen.Bool.Array[Pages], elsewhere).Sample((before, drawn, kept, skipped) =>
        {
            var now = drawn with { Block = [.. drawn.Block.Select((block, page) => kept[page] ? before.Block[page] : block)], Size = kept[0] ? before.Size : drawn.Size };
            var skip = UnchangedRanges.Both([.. skipped.Order().Select(page => new ByteRange(page * Page, (page + 1) * Page))], []);
            var limit = UnchangedRanges.LimitOf(before.Size, now.Size, before.Size, now.Size);
            var ranges = UnchangedRanges.Between(ExtentsOf(before), ExtentsOf(now), limit, skip);
            for (var page = 0; page * Page < now.Size; page++)
            {
                var length = Math.Min(Page, now.Size - (page * Page));
                var hadLength = Math.Clamp(before.Size - (page * Page), 0, Page);
                var same = before.Block[page] == now.Block[page] && now.Block[page] >= 0 && length == hadLength && !skipped.Contains(page);
                ByteRange[] other = same ? [] : [new ByteRange(page * Page, (page * Page) + length)];
                Assert.Equal(other, ranges.NotIn(page * Page, (page * Page) + length));
            }
        });
    }

    [Fact]
    public void The_last_page_is_the_same_only_if_files_and_contents_end_together()
    {
        Assert.Equal(5000, UnchangedRanges.LimitOf(5000, 5000, 5000, 5000));
        Assert.Equal(Page, UnchangedRanges.LimitOf(5000, 8192, 5000, 8192));
        Assert.Equal(Page, UnchangedRanges.LimitOf(5000, 5000, 4096, 5000));
        Assert.Equal(5000, UnchangedRanges.LimitOf(5000, 5000, 8192, 5000));
    }

    /// <summary>As a file system would say it: what lies back to back in one extent.</summary>
    private static List<FileExtent> ExtentsOf(Layout layout)
    {
        var extents = new List<FileExtent>();
        for (var page = 0; page < Pages; page++)
        {
            if (layout.Block[page] == 0)
            {
                continue;
            }

            var one = new FileExtent(page * Page, Math.Abs(layout.Block[page]) * Page, Page, layout.Block[page] > 0);
            if (extents.Count > 0 && extents[^1] is var last && last.End == one.Logical && last.IsPlaced == one.IsPlaced
                && last.Physical + last.Length == one.Physical)
            {
                extents[^1] = last with { Length = last.Length + Page };
            }
            else
            {
                extents.Add(one);
            }
        }

        return extents;
    }
}
