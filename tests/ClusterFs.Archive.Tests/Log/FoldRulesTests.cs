using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Tests.Log;

public sealed class FoldRulesTests
{
    [Fact]
    public void However_long_the_log_its_files_stay_few()
    {
        var runs = new List<SlotRange>();
        for (var newest = 1L; newest <= 70_000; newest++)
        {
            while (FoldRules.Next(runs, newest) is { } range)
            {
                Assert.True(FoldRules.IsRange(range));
                Assert.True(range.Last <= newest - FoldRules.Width, $"{range} is folded when the newest slot is {newest}");
                Assert.DoesNotContain(runs, run => run.Contains(range));
                runs.RemoveAll(range.Contains);
                runs.Add(range);
            }

            var folded = runs.Sum(run => run.Count);
            Assert.Equal(folded, runs.Count == 0 ? 0 : runs.Max(run => run.Last));
            Assert.InRange(newest - folded + runs.Count, 1, 31 + 15 + 15 + 15 + 1);
        }
    }

    [Fact]
    public void What_a_listing_does_not_show_is_folded_again_to_the_very_same()
    {
        var all = new List<SlotRange> { new(1, 16), new(17, 32), new(33, 48) };
        Assert.Null(FoldRules.Next(all, 64));
        Assert.Equal(new SlotRange(17, 32), FoldRules.Next([all[0], all[2]], 64));
        Assert.Equal(new SlotRange(1, 16), FoldRules.Next([all[1], all[2]], 64));
    }

    [Fact]
    public void A_slot_can_only_be_folded_into_ranges_that_hold_it()
    {
        foreach (var slot in (long[])[1, 16, 17, 255, 256, 257, 4097, 65_536, 65_537, long.MaxValue >> 20])
        {
            Assert.Equal(4, FoldRules.RangesOf(slot).Count(range => range.Contains(slot) && FoldRules.IsRange(range)));
        }

        Assert.False(FoldRules.IsRange(new SlotRange(2, 17)));
        Assert.False(FoldRules.IsRange(new SlotRange(1, 17)));
        Assert.False(FoldRules.IsRange(new SlotRange(0, 15)));
    }
}
