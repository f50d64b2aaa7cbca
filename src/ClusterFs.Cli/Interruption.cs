using System.Runtime.InteropServices;

namespace ClusterFs.Cli;

/// <summary>Ctrl-C and SIGTERM as a token, for commands that must end in an orderly way.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly bool _secondEnds;
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    /// <param name="secondEnds">The second one ends the process at once: for what leaves nothing half done, and may hang with shared storage.</param>
    public Interruption(CancellationToken other, bool secondEnds = false)
    {
        _secondEnds = secondEnds;
        _source = CancellationTokenSource.CreateLinkedTokenSource(other);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>For one piece of work among others: a question at the terminal ends by Ctrl-C as it always does.</summary>
    public static async Task<T> DuringAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken other)
    {
        using var interruption = new Interruption(other);
        return await work(interruption.Token).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (_secondEnds && _source.IsCancellationRequested)
        {
            // As a shell says of what a signal ended.
            const int signalled = 128;
            Environment.Exit(signalled + (signal.Signal == PosixSignal.SIGINT ? 2 : 15));
        }

        _source.Cancel();
    }
}
