using System.Runtime.InteropServices;

namespace ClusterFs.Node.Hosting;

internal enum StopSignal
{
    /// <summary>SIGTERM or SIGINT: stop the services of this node too.</summary>
    End,

    /// <summary>SIGHUP: the services go on under the guard; for an upgrade of the daemon.</summary>
    Leave,
}

/// <summary>The signals that end the daemon, for the life of the process. A second one ends it without waiting.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly TaskCompletionSource<StopSignal> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _second = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals() => _registrations =
    [
        Register(PosixSignal.SIGTERM, StopSignal.End),
        Register(PosixSignal.SIGINT, StopSignal.End),
        Register(PosixSignal.SIGHUP, StopSignal.Leave),
    ];

    public Task<StopSignal> First => _first.Task;

    public Task Second => _second.Task;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private PosixSignalRegistration Register(PosixSignal signal, StopSignal meaning) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        if (!_first.TrySetResult(meaning))
        {
            _second.TrySetResult();
        }
    });
}
