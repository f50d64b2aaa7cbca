using Akka.Actor;
using ClusterFs.Ownership.Journal;

namespace ClusterFs.Ownership.Tests.Journal;

public sealed class JournalCheckTests : IDisposable
{
    private readonly ScratchJournal _journal = new();

    public void Dispose() => _journal.Dispose();

    [Fact]
    public async Task The_tables_that_the_plugin_makes_pass()
    {
        await _journal.Check.PrepareAsync(CancellationToken.None);
        using var system = ActorSystem.Create("node", OwnershipScene.Config(_journal));
        JournalCheck.StartPlugin(system);

        await _journal.Check.VerifyAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(["wal"], _journal.Query("pragma journal_mode"));
        Assert.True(await _journal.Check.LookAsync(CancellationToken.None));
        await system.Terminate();
    }

    [Fact]
    public async Task Who_only_looks_changes_nothing()
    {
        _journal.Execute("create table journal (persistence_id varchar(255), sequence_number bigint, unique (persistence_id, sequence_number))");

        await Assert.ThrowsAsync<JournalRefusedException>(() => _journal.Check.LookAsync(CancellationToken.None));

        Assert.Equal(["delete"], _journal.Query("pragma journal_mode"));
    }

    [Fact]
    public async Task A_new_database_is_looked_at_and_not_waited_for() =>
        Assert.False(await _journal.Check.LookAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10)));

    [Fact]
    public async Task A_journal_without_unique_numbers_is_refused()
    {
        await _journal.Check.PrepareAsync(CancellationToken.None);
        _journal.Execute("create table journal (ordering integer primary key, persistence_id varchar(255), sequence_number bigint)");
        _journal.Execute("create index journal_uq on journal (persistence_id, sequence_number)");
        _journal.Execute("insert into journal (persistence_id, sequence_number) values ('ownership-wiki', 1)");

        var refusal = await Assert.ThrowsAsync<JournalRefusedException>(() => _journal.Check.VerifyAsync(CancellationToken.None));
        Assert.Equal(refusal.Message, (await Assert.ThrowsAsync<JournalRefusedException>(() => _journal.Check.LookAsync(CancellationToken.None))).Message);

        Assert.Contains("journal has no unique constraint over (persistence_id,sequence_number)", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_journal_that_another_node_is_just_making_is_waited_for()
    {
        await _journal.Check.PrepareAsync(CancellationToken.None);
        _journal.Execute("create table journal (ordering integer primary key, persistence_id varchar(255), sequence_number bigint)");

        // SQLite's driver does not wait, so the first look is over when this returns.
        var verifying = _journal.Check.VerifyAsync(CancellationToken.None);
        Assert.False(verifying.IsCompleted);
        _journal.Execute("create unique index journal_uq on journal (persistence_id, sequence_number)");

        Assert.True(await verifying.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task An_epoch_table_without_its_key_is_refused()
    {
        _journal.Execute("create table clusterfs_epoch (service varchar(255), epoch bigint, node varchar(255), at varchar(40))");
        _journal.Execute("create table journal (persistence_id varchar(255), sequence_number bigint, unique (persistence_id, sequence_number))");
        await _journal.Check.PrepareAsync(CancellationToken.None);

        var refusal = await Assert.ThrowsAsync<JournalRefusedException>(() => _journal.Check.VerifyAsync(CancellationToken.None));
        Assert.Equal(refusal.Message, (await Assert.ThrowsAsync<JournalRefusedException>(() => _journal.Check.LookAsync(CancellationToken.None))).Message);

        Assert.Contains("clusterfs_epoch", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_epoch_is_one_nodes_for_ever()
    {
        await _journal.Check.PrepareAsync(CancellationToken.None);
        await using var table = new EpochTable(_journal.Store);

        Assert.True(await table.ReserveAsync("wiki", 3, "n1", DateTimeOffset.UnixEpoch, CancellationToken.None));
        Assert.True(await table.ReserveAsync("wiki", 3, "n1", DateTimeOffset.UnixEpoch, CancellationToken.None));
        Assert.False(await table.ReserveAsync("wiki", 3, "n2", DateTimeOffset.UnixEpoch, CancellationToken.None));
        Assert.True(await table.ReserveAsync("shop", 3, "n2", DateTimeOffset.UnixEpoch, CancellationToken.None));
    }
}
