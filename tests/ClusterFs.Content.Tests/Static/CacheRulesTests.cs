using ClusterFs.Content.Static;

namespace ClusterFs.Content.Tests.Static;

public sealed class CacheRulesTests
{
    [Fact]
    public void What_was_used_last_comes_first_and_what_does_not_fit_keeps_nothing_else_out() =>
        Assert.Equal(["today", "today too", "yesterday"], Choose(100, File("old", 10, 9), File("yesterday", 30, 1), File("today", 40, 0), File("large", 90, 0), File("today too", 30, 0)));

    [Fact]
    public void Of_one_day_what_is_here_stays_and_small_ones_come_first()
    {
        Assert.Equal(["here"], Choose(60, File("small", 10, 0), File("here", 55, 0, isHere: true)));
        Assert.Equal(["a", "b"], Choose(60, File("c", 50, 0), File("b", 20, 0), File("a", 20, 0)));
        Assert.Equal(["fresh"], Choose(60, File("fresh", 50, 0), File("here", 55, 1, isHere: true)));
    }

    [Fact]
    public void All_is_here_where_all_fits_and_nothing_where_nothing_does()
    {
        Assert.Equal(["a", "b"], Choose(2, File("a", 1, 5), File("b", 1, 0)));
        Assert.Equal(["empty"], Choose(0, File("a", 1, 0), File("empty", 0, 0)));
    }

    private static CacheCandidate File(string path, long size, long days, bool isHere = false) => new(path, size, days, isHere);

    private static IEnumerable<string> Choose(long budget, params CacheCandidate[] files) => CacheRules.Choose(files, budget).Order(StringComparer.Ordinal);
}
