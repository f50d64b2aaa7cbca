using Microsoft.Extensions.Logging;

namespace ClusterFs.Ownership;

internal static partial class OwnershipLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Store} cannot be used: {Problem}; ownership waits for it (attempt {Attempts})")]
    public static partial void JournalAway(this ILogger logger, string store, string problem, int attempts);

    [LoggerMessage(2, LogLevel.Debug, "{Store} has no journal yet (attempt {Attempts})")]
    public static partial void JournalNotThereYet(this ILogger logger, string store, int attempts);

    [LoggerMessage(3, LogLevel.Information, "{Service}: ownership recovered at epoch {Epoch}: {Grant}")]
    public static partial void Recovered(this ILogger logger, string service, long epoch, string grant);

    [LoggerMessage(4, LogLevel.Information, "{Service}: {Event}")]
    public static partial void Journalled(this ILogger logger, string service, string @event);

    [LoggerMessage(5, LogLevel.Warning, "{Service}: stops and reads the journal again: {Reason}")]
    public static partial void RecoversAgain(this ILogger logger, string service, string reason);

    [LoggerMessage(6, LogLevel.Information, "{Service}: the journal did not take event {Sequence}, another incarnation may have been first: {Problem}")]
    public static partial void PersistFailed(this ILogger logger, string service, long sequence, string problem);

    [LoggerMessage(7, LogLevel.Error, "{Service}: the journal rejected event {Sequence}")]
    public static partial void PersistRejected(this ILogger logger, Exception cause, string service, long sequence);

    [LoggerMessage(8, LogLevel.Warning, "{Service}: the journal cannot be read: {Problem}")]
    public static partial void RecoveryFailed(this ILogger logger, string service, string problem);

    [LoggerMessage(10, LogLevel.Warning, "{Service}: {Node} is fenced for epoch {Epoch}: running the fence command against it")]
    public static partial void CuttingPower(this ILogger logger, string service, string node, long epoch);

    [LoggerMessage(11, LogLevel.Information, "{Service}: goes back to {Node}, its preferred node")]
    public static partial void GoesBack(this ILogger logger, string service, string node);

    [LoggerMessage(12, LogLevel.Information, "{Service}: goes to {Node}, where {Other} is, which it is kept together with")]
    public static partial void GoesTogether(this ILogger logger, string service, string node, string other);

    [LoggerMessage(13, LogLevel.Information, "{Service}: does not go by itself now: {Why}")]
    public static partial void UnaskedRefused(this ILogger logger, string service, string why);

    [LoggerMessage(9, LogLevel.Debug, "{Service}: voter {Voter} did not answer: {Problem}")]
    public static partial void VoterSilent(this ILogger logger, string service, string voter, string problem);
}
