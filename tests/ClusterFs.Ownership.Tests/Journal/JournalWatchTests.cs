using System.Threading.Channels;
using ClusterFs.Ownership.Journal;

namespace ClusterFs.Ownership.Tests.Journal;

public sealed class JournalWatchTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("clusterfs-watch-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task An_outage_and_its_end_are_told_once_each()
    {
        var place = Path.Combine(_directory.FullName, "place");
        var store = JournalStore.Sqlite($"Data Source={Path.Combine(place, "journal.db")};Pooling=False");
        var told = Channel.CreateUnbounded<JournalCondition>();
        using var stop = new CancellationTokenSource();
        var watch = Task.Run(() => new JournalWatch(store, TimeProvider.System).RunAsync(condition => told.Writer.TryWrite(condition), stop.Token));

        var away = await told.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        Assert.False(away.Reachable);
        Assert.NotEmpty(away.Problem!);
        Directory.CreateDirectory(place);
        var back = await told.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        Assert.Equal((true, null), (back.Reachable, back.Problem));
        Assert.True(back.Since > away.Since);
        Assert.False(told.Reader.TryRead(out _));

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watch);
    }
}
