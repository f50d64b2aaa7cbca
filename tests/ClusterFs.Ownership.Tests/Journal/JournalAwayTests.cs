using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using ClusterFs.Ownership.Journal;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Ownership.Tests.Journal;

/// <summary>A database that is away is waited for, whatever its driver says of that.</summary>
public sealed class JournalAwayTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public Task A_database_whose_name_does_not_resolve_is_waited_for() => IsWaitedFor("Host=database.invalid;Username=wiki;Timeout=1");

    [Fact]
    public async Task A_database_that_takes_connections_and_says_nothing_is_waited_for()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();

        await IsWaitedFor($"Host=127.0.0.1;Port={((IPEndPoint)silent.LocalEndpoint).Port};Username=wiki;Timeout=1");
    }

    private static async Task IsWaitedFor(string connection)
    {
        var log = new Lines();
        using var stop = new CancellationTokenSource();
        var check = new JournalCheck(JournalStore.PostgreSql(connection), TimeProvider.System, log);

        var prepared = Task.Run(() => check.PrepareAsync(stop.Token));
        try
        {
            for (var attempt = 1; attempt <= 2; attempt++)
            {
                var said = log.Read.ReadAsync(stop.Token).AsTask();
                await await Task.WhenAny(said, prepared).WaitAsync(Patience);
                Assert.False(prepared.IsCompleted);
                var words = await said;
                Assert.Contains("cannot be used", words, StringComparison.Ordinal);
                Assert.Contains($"(attempt {attempt})", words, StringComparison.Ordinal);
            }
        }
        finally
        {
            await stop.CancelAsync();
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => prepared.WaitAsync(Patience));
    }

    private sealed class Lines : ILogger<JournalCheck>
    {
        private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

        public ChannelReader<string> Read => _lines.Reader;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Writer.TryWrite(formatter(state, exception));
    }
}
