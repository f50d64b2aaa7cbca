namespace ClusterFs.Cli;

/// <summary>A command ends without having done its work.</summary>
/// <param name="exitCode">One of <see cref="ExitCodes"/>.</param>
/// <param name="problem">What happened, to what.</param>
/// <param name="hint">What to do about it; may be empty.</param>
public sealed class CommandException(int exitCode, string problem, string hint = "") : Exception(problem)
{
    public int ExitCode { get; } = exitCode;

    public string Hint { get; } = hint;
}
