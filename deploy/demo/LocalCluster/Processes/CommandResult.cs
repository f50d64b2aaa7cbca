namespace ClusterFs.Demo.Processes;

/// <summary>What a command left behind when it ended.</summary>
public sealed record CommandResult(string CommandLine, int ExitCode, string Output, string Error, TimeSpan Took)
{
    /// <exception cref="ConditionNotMetException">The command failed; the message says all there is to know.</exception>
    public CommandResult Successful() =>
        ExitCode == 0 ? this : throw new ConditionNotMetException($"a command failed{Environment.NewLine}{this}");

    public override string ToString() =>
        $"{CommandLine}{Environment.NewLine}exit code {ExitCode} after {Took.TotalSeconds:0.00} s{Environment.NewLine}{Output}{Error}";
}
