namespace ClusterFs.Guard.Tests;

public sealed class ChangeSignalTests
{
    private static readonly string[] Services = ["mail", "wiki"];

    private readonly ChangeSignal _signal = new(Services);

    [Fact]
    public async Task Whoever_begins_to_listen_hears_of_everything_at_once()
    {
        using var all = _signal.Listen();
        using var one = _signal.Listen("wiki");

        Assert.Equal(Services, (await all.WaitAsync(default)).Order(StringComparer.Ordinal));
        Assert.Equal(["wiki"], await one.WaitAsync(default));
    }

    [Fact]
    public async Task Many_changes_of_a_service_are_one_signal_and_none_is_missed()
    {
        using var all = _signal.Listen();
        _ = await all.WaitAsync(default);

        _signal.Raise("wiki");
        _signal.Raise("wiki");
        _signal.Raise("mail");

        Assert.Equal(Services, (await all.WaitAsync(default)).Order(StringComparer.Ordinal));
        _signal.Raise("wiki");
        Assert.Equal(["wiki"], await all.WaitAsync(default));
    }

    [Fact]
    public async Task Who_listens_to_one_service_is_not_woken_for_another()
    {
        using var one = _signal.Listen("wiki");
        _ = await one.WaitAsync(default);

        _signal.Raise("mail");
        var waiting = one.WaitAsync(default);

        Assert.False(waiting.IsCompleted);
        _signal.Raise("wiki");
        Assert.Equal(["wiki"], await waiting);
    }

    [Fact]
    public async Task Nobody_waits_longer_than_it_likes()
    {
        using var all = _signal.Listen();
        _ = await all.WaitAsync(default);
        using var over = new CancellationTokenSource();

        var waiting = all.WaitAsync(over.Token);
        await over.CancelAsync();

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task At_the_end_everybody_hears_what_was_not_said_yet_and_then_that_it_was_all()
    {
        using var all = _signal.Listen();
        using var one = _signal.Listen("wiki");
        _ = await all.WaitAsync(default);
        _ = await one.WaitAsync(default);

        _signal.Raise("wiki");
        var silent = _signal.EndAsync();
        using var late = _signal.Listen("mail");

        Assert.Equal(["wiki"], await all.WaitAsync(default));
        Assert.Equal(["wiki"], await one.WaitAsync(default));
        Assert.Equal(["mail"], await late.WaitAsync(default));
        foreach (var listener in new[] { all, one, late })
        {
            _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listener.WaitAsync(default).WaitAsync(Eventually.Limit));
            Assert.False(silent.IsCompleted);
            listener.Dispose();
        }

        await silent.WaitAsync(Eventually.Limit);
    }
}
