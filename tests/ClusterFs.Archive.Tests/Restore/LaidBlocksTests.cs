using ClusterFs.Archive.Manifests;

namespace ClusterFs.Archive.Tests.Restore;

/// <summary>Blocks are decompressed straight to where most of their pages belong; the pages in between lie elsewhere, or nowhere.</summary>
public sealed class LaidBlocksTests : IDisposable
{
    private const int Pages = (3 * PageMap.LeafPages) + 100;
    private readonly TestBed _bed = new();

    /// <param name="before">Size of a file that is stored first, so that blocks and leaves do not begin together.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData(5000)]
    public void Pages_rewritten_and_punched_among_those_of_older_dumps_come_back(int before)
    {
        var random = new Random(before);
        var content = new byte[(Pages * PageMap.PageSize) + 1234];
        random.NextBytes(content);
        _bed.Write("n1", "a", new string('a', before));
        var file = Path.Combine(_bed.Live("n1"), "db");
        File.WriteAllBytes(file, content);
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < Pages / 30; i++)
            {
                Rewrite(random.Next(Pages), 1);
            }

            // Long runs make blocks of later dumps worth it too, with pages from elsewhere behind them.
            Rewrite(random.Next(Pages - 500), 500);
            content.AsSpan(random.Next(Pages) * PageMap.PageSize, PageMap.PageSize).Clear();
            File.WriteAllBytes(file, content);
            var dump = _bed.Dump("n1", 1);
            Assert.Equal(content, File.ReadAllBytes(Path.Combine(_bed.Restored(dump.Content), "db")));
            Assert.Empty(_bed.Archive.Verify(dump.Content, CancellationToken.None).Damages);
        }

        void Rewrite(int page, int count) => random.NextBytes(content.AsSpan(page * PageMap.PageSize, count * PageMap.PageSize));
    }

    public void Dispose() => _bed.Dispose();
}
