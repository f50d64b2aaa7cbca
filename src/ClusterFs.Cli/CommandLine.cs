using System.CommandLine;
using System.CommandLine.Invocation;
using ClusterFs.Api;
using ClusterFs.Cli.Commands;
using ClusterFs.Cli.Manual;
using ClusterFs.Configuration;

namespace ClusterFs.Cli;

/// <summary>The command line as a whole: its commands, and what becomes of what they throw.</summary>
/// <remarks>
/// To add a command: a static class in Commands with <c>Create()</c>, and its line in <see cref="Build"/>. A command throws
/// <see cref="CommandException"/> to end with an exit code of its choice; it need not catch <see cref="ConfigurationException"/>,
/// nor anything about files.
/// </remarks>
public static class CommandLine
{
    private static readonly RootCommand Root = Build();

    /// <summary>Runs one command.</summary>
    /// <param name="arguments">As typed, without the program's name.</param>
    /// <param name="output">Where results go; null for the standard output.</param>
    /// <param name="error">Where errors, warnings and progress go; null for the standard error.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments, TextWriter? output = null, TextWriter? error = null)
    {
        output ??= Console.Out;
        error ??= Console.Error;
        var parsed = Root.Parse(arguments);
        if (parsed.Action is ParseErrorAction)
        {
            return ReportUsage(parsed, error);
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,

                // Commands that outlive a signal handle it themselves, and some need longer than any limit set here.
                ProcessTerminationTimeout = null,
            }).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            return Report(e, error);
        }
    }

    internal static RootCommand Build()
    {
        var root = new RootCommand("Keeps stateful services running on a few servers that share a file system: one writer at a time.")
        {
            StatusCommand.Create(),
            MoveCommand.Create(),
            PauseCommand.CreatePause(),
            PauseCommand.CreateResume(),
            NotifyCommand.Create(),
            DumpCommand.Create(),
            HistoryCommand.Create(),
            ExplainCommand.Create(),
            SimulateCommand.Create(),
            DoctorCommand.Create(),
            LogsCommand.Create(),
            ArchiveCommand.Create(),
            DivergentCommand.Create(),
            ConfigCommand.Create(),
            SeededCommand.Create(),
            StaticCommand.Create(),
            NodeCommand.Create(),
            CertificatesCommand.Create(),
            ClusterCommand.Create(),
            ShardingCommand.Create(),
            ActorCommand.Create(),
            LogCommand.Create(),
            GuardCommand.Create(),
            RunCommand.Create(),
            GateCommand.Create(),
            HoldCommand.Create(),
            SystemdCommand.Create(),
            AdmitCommand.Create(),
            ManualCommand.Create(),
            AcquireCommand.Create(),
            ReleaseCommand.Create(),
        };
        root.Add(GlobalOptions.Config);
        root.Add(GlobalOptions.Json);
        return root;
    }

    private static int ReportUsage(ParseResult parsed, TextWriter error)
    {
        foreach (var message in parsed.Errors.Select(e => e.Message).Distinct())
        {
            error.WriteLine($"clusterfs: {message}");
        }

        var path = string.Join(' ', PathOf(parsed.CommandResult.Command).Reverse());
        error.WriteLine($"Try '{path} --help'.");
        return ExitCodes.Usage;
    }

    private static IEnumerable<string> PathOf(Command command)
    {
        for (var current = command; current is not null; current = current.Parents.OfType<Command>().FirstOrDefault())
        {
            yield return current is RootCommand ? "clusterfs" : current.Name;
        }
    }

    private static int Report(Exception exception, TextWriter error)
    {
        switch (exception)
        {
            case ConfigurationException mistakes:
                foreach (var mistake in mistakes.Errors)
                {
                    error.WriteLine(mistake);
                }

                return ExitCodes.Usage;
            case CommandException failure:
                return Fail(error, failure.ExitCode, failure.Message, failure.Hint);
            case DaemonException failure:
                return Fail(error, failure.ExitCode, failure.Message, failure.Hint);
            case OperationCanceledException:
                return Fail(error, ExitCodes.Failed, "interrupted", "");
            case IOException or UnauthorizedAccessException:
                return Fail(error, ExitCodes.Failed, exception.Message, "");
            default:
                return Fail(error, ExitCodes.Failed, $"unexpected: {exception.GetType().Name}: {exception.Message}", "please report this");
        }
    }

    private static int Fail(TextWriter error, int exitCode, string problem, string hint)
    {
        error.WriteLine(hint.Length == 0 ? $"clusterfs: {problem}" : $"clusterfs: {problem}; {hint}");
        return exitCode;
    }
}
