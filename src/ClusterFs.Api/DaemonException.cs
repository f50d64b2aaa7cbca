namespace ClusterFs.Api;

/// <summary>The daemon did not do what it was asked.</summary>
/// <param name="exitCode">What a command should end with: one of the constants here.</param>
/// <param name="problem">What happened, to what.</param>
/// <param name="hint">What to do about it; may be empty.</param>
/// <param name="cause">What was caught.</param>
public sealed class DaemonException(int exitCode, string problem, string hint, Exception? cause = null) : Exception(problem, cause)
{
    public const int Failed = 1;
    public const int BadRequest = 2;
    public const int Refused = 3;
    public const int Unreachable = 4;
    public const int TimedOut = 5;

    public int ExitCode { get; } = exitCode;

    public string Hint { get; } = hint;
}
