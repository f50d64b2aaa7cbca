using System.Collections.Immutable;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>One look at something, that may hang.</summary>
/// <param name="Name">As its findings are called.</param>
/// <param name="Silence">What it means when it hangs.</param>
/// <param name="Remedy">What to do then.</param>
/// <param name="Look">Runs on a thread of its own, which is left behind if it does not come back.</param>
internal sealed record Check(string Name, string Silence, string Remedy, Func<Task<IEnumerable<Finding>>> Look)
{
    /// <summary>A look that blocks its thread.</summary>
    public Check(string name, string silence, string remedy, Func<IEnumerable<Finding>> look)
        : this(name, silence, remedy, () => Task.FromResult<IEnumerable<Finding>>([.. look()]))
    {
    }

    /// <summary>How long it is waited for.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Always has an answer, in little more than <see cref="Patience"/>.</summary>
    public async Task<ImmutableArray<Finding>> RunAsync(TimeProvider time)
    {
        var look = Task.Factory.StartNew(Look, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
        try
        {
            return [.. await look.WaitAsync(Patience, time).ConfigureAwait(false)];
        }
        catch (TimeoutException) when (!look.IsCompleted)
        {
            return [Finding.Failure(Name, $"did not answer in {Patience.TotalSeconds:0} s", Silence, Remedy)];
        }
        catch (Exception e) when (IsDenied(e) && !Processes.IsRoot)
        {
            return [NotAllowed(Name, e.Message)];
        }
#pragma warning disable CA1031 // One look that goes wrong, however it does, takes none of the other findings with it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return [Finding.Failure(Name, e is IOException or CommandException ? e.Message : $"{e.GetType().Name}: {e.Message}", "it could not be looked at", Remedy)];
        }
    }

    /// <summary>Whether the kernel does not let this user look.</summary>
    public static bool IsDenied(Exception e) =>
        e is UnauthorizedAccessException or PosixException { Error: PosixException.AccessDenied or PosixException.NotPermitted };

    /// <summary>What another user may not see need not be wrong.</summary>
    public static Finding NotAllowed(string name, string seen) =>
        Finding.Warning(name, seen, $"user {Accounts.Current} may not look at it", "run doctor as root, or as the user that the daemon runs as");
}
