using System.Runtime.InteropServices;

namespace ClusterFs.Cli;

/// <summary>Ctrl-C and SIGTERM as a token, for commands that must end in an orderly way.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    public Interruption(CancellationToken other)
    {
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
        _source.Cancel();
    }
}
