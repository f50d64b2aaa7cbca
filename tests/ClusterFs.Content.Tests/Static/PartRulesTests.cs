using ClusterFs.Content.Static;

namespace ClusterFs.Content.Tests.Static;

public sealed class PartRulesTests
{
    [Fact]
    public void What_was_used_last_is_kept_and_what_was_used_longest_ago_goes() => Assert.Equal(
        ["b", "c"], Fit(20, new PartUse("a", 10, 1, true), new PartUse("b", 10, 3, false), new PartUse("c", 10, 2, true)));

    [Fact]
    public void Of_what_was_used_alike_what_is_here_stays() => Assert.Equal(
        ["z"], Fit(10, new PartUse("a", 10, 0, false), new PartUse("z", 10, 0, true)));

    [Fact]
    public void What_does_not_fit_is_left_out_and_what_is_smaller_may_fit() => Assert.Equal(
        ["small"], Fit(10, new PartUse("large", 11, 5, true), new PartUse("small", 10, 1, false)));

    private static IEnumerable<string> Fit(long budget, params PartUse[] files) => PartRules.Fit(files, budget).Order(StringComparer.Ordinal);
}
