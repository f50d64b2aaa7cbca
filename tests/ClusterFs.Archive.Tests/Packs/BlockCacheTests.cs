using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Tests.Packs;

public sealed class BlockCacheTests
{
    private const int Whole = PackFormat.BlockSize;
    private static readonly PackId Pack = PackId.Parse("00000000000000000000000000000001");
    private readonly BlockCache _cache = new(capacity: (4 * Whole) + 1024);
    private readonly List<int> _loads = [];

    /// <summary>Of frequent dumps: each block has little more than what changed, and a restore over an old copy wants all of them again and again.</summary>
    [Fact]
    public void Small_blocks_are_kept_by_what_they_hold()
    {
        for (var round = 0; round < 2; round++)
        {
            for (var number = 0; number < 100; number++)
            {
                Assert.Equal(Whole / 50, Get(number, Whole / 50).Length);
            }
        }

        Assert.Equal(Enumerable.Range(0, 100), _loads);
    }

    [Fact]
    public void What_was_not_asked_for_the_longest_goes_first()
    {
        foreach (var number in (int[])[0, 1, 2, 3, 0, 4, 0, 1])
        {
            _ = Get(number, Whole);
        }

        Assert.Equal([0, 1, 2, 3, 4, 1], _loads);
    }

    [Fact]
    public void One_that_is_larger_than_all_is_kept_until_another_comes()
    {
        _ = Get(0, 5 * Whole);
        _ = Get(0, 5 * Whole);
        Assert.Equal([0], _loads);

        _ = Get(1, 1);
        Assert.False(_cache.Has(Pack, 0));
        Assert.True(_cache.Has(Pack, 1));
    }

    /// <summary>One that was expected is not to go before it is used, because others were expected after it.</summary>
    [Fact]
    public void What_is_expected_again_is_kept_for_longer()
    {
        foreach (var number in (int[])[0, 1, 2, 3])
        {
            _ = Get(number, Whole);
        }

        Assert.Null(_cache.TryAdd(Pack, 0, Whole, () => []));
        _ = Get(4, Whole);

        Assert.True(_cache.Has(Pack, 0));
        Assert.False(_cache.Has(Pack, 1));
    }

    [Fact]
    public void What_turns_out_larger_than_expected_drives_others_out()
    {
        foreach (var number in (int[])[0, 1, 2])
        {
            _ = Get(number, Whole);
        }

        _ = _cache.TryAdd(Pack, 3, 1, () => new byte[3 * Whole])!.Value;

        Assert.Equal([false, false, true, true], Enumerable.Range(0, 4).Select(number => _cache.Has(Pack, number)));
    }

    [Fact]
    public void What_is_forgotten_is_loaded_anew_and_what_took_its_place_stays()
    {
        var failing = _cache.TryAdd(Pack, 0, 1, () => throw new IOException("hung"))!;
        Assert.Null(_cache.TryAdd(Pack, 0, 1, () => []));
        Assert.Throws<IOException>(() => failing.Value);

        _cache.Forget(Pack, 0, failing);
        Assert.Single(Get(0, 1));
        _cache.Forget(Pack, 0, failing);
        Assert.True(_cache.Has(Pack, 0));
    }

    private byte[] Get(int number, int size) => _cache.Get(Pack, number, () =>
    {
        _loads.Add(number);
        return new byte[size];
    }).Value;
}
