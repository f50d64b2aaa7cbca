using System.Collections.Immutable;

namespace ClusterFs.Api;

/// <summary>Asks for a planned move: the body of <see cref="ApiRoutes.Move"/>.</summary>
/// <param name="To">The node that is to own the service.</param>
public sealed record MoveRequest(string To);

/// <summary>A planned move that is over: the service runs on its new node.</summary>
/// <param name="Service">The service.</param>
/// <param name="From">Where it ran; null when it had no owner.</param>
/// <param name="To">Where it runs.</param>
/// <param name="Epoch">Its new epoch.</param>
public sealed record MoveReport(string Service, string? From, string To, long Epoch)
{
    /// <summary>Other services that were moved with it, because they are kept together.</summary>
    public ImmutableArray<string> Along { get; init; } = [];
}

/// <summary>A service that was paused or resumed: the answer to <see cref="ApiRoutes.Pause"/> and <see cref="ApiRoutes.Resume"/>.</summary>
/// <param name="Service">The service.</param>
/// <param name="Paused">Whether nothing is granted by itself now.</param>
/// <param name="Message">The same in words; that it was so already, too.</param>
public sealed record PauseReport(string Service, bool Paused, string Message);

/// <summary>A dump that was asked for and is committed: the answer to <see cref="ApiRoutes.Dump"/>.</summary>
/// <param name="Service">The service.</param>
/// <param name="Dump">The newest point of the line; an older one when nothing had changed since.</param>
/// <param name="AddedBytes">What it added to the archive.</param>
/// <param name="Guarantee">In plain words, what the dump promises about the content.</param>
public sealed record DumpReport(string Service, DumpPoint Dump, long AddedBytes, string? Guarantee)
{
    /// <summary>What somebody has to look at although the dump is in the archive; null when nothing.</summary>
    public string? Warning { get; init; }
}

/// <summary>Why a request was not done; the body of every answer that is not a success.</summary>
/// <param name="Error">What happened, to what.</param>
/// <param name="Hint">What to do about it.</param>
public sealed record ApiError(string Error, string? Hint);

/// <summary>A notification command that was run for a test: the answer to <see cref="ApiRoutes.NotifyTest"/>.</summary>
/// <param name="Node">Where it was run.</param>
/// <param name="Service">Whose it is; null for that of all services.</param>
/// <param name="Command">As configured.</param>
/// <param name="Succeeded">It ended with 0 in time.</param>
/// <param name="Outcome">In words, with what it printed.</param>
public sealed record NotifyReport(string Node, string? Service, string Command, bool Succeeded, string Outcome);
