using ClusterFs.Archive.Log;
using ClusterFs.Archive.Retention;
using CsCheck;

namespace ClusterFs.Archive.Tests.Retention;

public sealed class RetentionRulesTests
{
    private static readonly ILookup<long, string> Nothing = Array.Empty<long>().ToLookup(slot => slot, _ => string.Empty);
    private static readonly DateTimeOffset Start = new(2026, 1, 31, 20, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_newest_stay_and_the_last_of_each_period()
    {
        // Every half an hour from 20:00 to 07:30, over a night that ends January.
        var dumps = Enumerable.Range(1, 24).Select(i => Dump(i, Start + TimeSpan.FromMinutes(30 * (i - 1)))).ToList();

        Assert.Equal([22, 23, 24], Stay(new RetentionPolicy(3, 0, 0, 0, 0, 0), dumps));
        Assert.Equal([20, 22, 24], Stay(new RetentionPolicy(0, 3, 0, 0, 0, 0), dumps));
        Assert.Equal([8, 24], Stay(new RetentionPolicy(0, 0, 5, 0, 0, 0), dumps));
        Assert.Equal([8, 24], Stay(new RetentionPolicy(0, 0, 0, 0, 5, 0), dumps));
        Assert.Equal([24], Stay(new RetentionPolicy(0, 0, 0, 5, 0, 5), dumps));
        Assert.Equal([8, 22, 24], Stay(new RetentionPolicy(0, 2, 2, 0, 0, 0), dumps));
    }

    [Fact]
    public void Weeks_are_those_of_ISO_8601()
    {
        // Sunday, Monday, and the Sunday after that: 2026 begins in the week that began in 2025.
        var dumps = new[] { (2025, 12, 28), (2025, 12, 29), (2026, 1, 4) }
            .Select((day, i) => Dump(i + 1, new DateTimeOffset(day.Item1, day.Item2, day.Item3, 12, 0, 0, TimeSpan.Zero)))
            .ToList();
        Assert.Equal([1, 3], Stay(new RetentionPolicy(0, 0, 0, 9, 0, 0), dumps));
    }

    [Fact]
    public void A_policy_that_keeps_nothing_prunes_nothing() =>
        Assert.Equal([1, 2], Stay(new RetentionPolicy(0, 0, 0, 0, 0, 0), [Dump(1, Start), Dump(2, Start)]));

    [Fact]
    public void What_is_needed_stays_whatever_the_policy_says()
    {
        var dumps = Enumerable.Range(1, 9).Select(i => Dump(i, Start)).ToList();
        var judged = RetentionRules.Judge(new RetentionPolicy(1, 0, 0, 0, 0, 0), dumps, new[] { 4L }.ToLookup(slot => slot, _ => "it is needed"));
        Assert.Equal([4, 9], judged.Where(one => one.Stays).Select(one => one.Dump.Slot));
        Assert.Equal(["it is needed"], judged[3].Reasons);
    }

    [Fact]
    public void Whatever_the_clocks_say_pruning_twice_is_pruning_once_and_the_newest_stay() =>
        Gen.Select(Gen.Int[0, 4].Array[6], Gen.Int[-200_000, 200_000].Array[1, 60]).Sample((numbers, minutes) =>
        {
            var policy = new RetentionPolicy(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
            var dumps = minutes.Select((minute, i) => Dump(i + 1, Start + TimeSpan.FromMinutes(minute))).ToList();
            var stay = Stay(policy, dumps);
            Assert.Equal(stay, Stay(policy, [.. dumps.Where(dump => stay.Contains(dump.Slot))]));
            Assert.True(!policy.Keeps || stay.Count <= numbers.Sum());
            Assert.Equal(dumps.TakeLast(numbers[0]).Select(dump => dump.Slot), dumps.TakeLast(numbers[0]).Select(dump => dump.Slot).Intersect(stay));
            Assert.True(numbers.All(number => number == 0) || stay.Contains(dumps.Count));
        });

    private static List<long> Stay(RetentionPolicy policy, IReadOnlyList<DumpRecord> dumps) =>
        [.. RetentionRules.Judge(policy, dumps, Nothing).Where(one => one.Stays).Select(one => one.Dump.Slot)];

    private static DumpRecord Dump(long slot, DateTimeOffset at) =>
        new("wiki", slot, $"{slot:x32}", 1, "n1", at, new StoredContent(new ManifestLocation($"{slot:x32}", 0, 0, 0, string.Empty), 0, 0, 0, string.Empty));
}
