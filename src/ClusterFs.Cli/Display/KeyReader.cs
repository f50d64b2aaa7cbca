namespace ClusterFs.Cli.Display;

/// <summary>Keys that somebody presses, without their being shown; none where the input is no terminal. For one thread.</summary>
internal sealed class KeyReader : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    private readonly PeriodicTimer _timer = new(LookEvery);

    /// <summary>Looks again and again instead of waiting in the console, which could not be left before the next key.</summary>
    public async Task<ConsoleKey> NextAsync(CancellationToken cancellation)
    {
        if (Console.IsInputRedirected)
        {
            await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(false);
        }

        while (!Console.KeyAvailable)
        {
            _ = await _timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }

        return Console.ReadKey(intercept: true).Key;
    }

    public void Dispose() => _timer.Dispose();
}
