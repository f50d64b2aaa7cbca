using System.Diagnostics;
using ClusterFs.Configuration;
using ClusterFs.Content.Static;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Static;

/// <summary>What tests of static content do again and again.</summary>
internal static class StaticSteps
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static void Prune(StaticBed bed)
    {
        bed.Store().Prune(2, bed.Nodes, CancellationToken.None);
        foreach (var mark in Directory.EnumerateFiles(bed.Store().Trees, "*" + TreeRetention.Doomed))
        {
            File.SetLastWriteTimeUtc(mark, DateTime.UtcNow.AddMinutes(-61));
        }
    }

    public static StaticBed BedOf(string form) => new(cache: form == "none" ? CacheKind.None : CacheKind.Local);

    public static void Publish(StaticBed bed) => Assert.True(bed.Publish().IsNew);

    public static bool IsHere(StaticBed bed, string path) => FileStatus.TryRead(Path.Combine(bed.Served(), path)) is { Kind: FileKind.File };

    public static void WriteAll(StaticBed bed, int number)
    {
        for (var page = 0; page < 20; page++)
        {
            bed.Write($"page{page}.html", $"number {number:000}{new string('.', 50_000)}number {number:000}");
        }
    }

    public static void Await(string what, Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        using var never = new ManualResetEvent(initialState: false);
        while (!condition())
        {
            Assert.True(clock.Elapsed < Patience, $"never: {what}");
            never.WaitOne(TimeSpan.FromMilliseconds(10));
        }
    }
}
