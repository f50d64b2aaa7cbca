using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ClusterFs.Configuration;
using ClusterFs.Content.Logs.Reading;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs logs</c>.</summary>
public static class LogsCommand
{
    private static readonly Argument<string> Service = CommandArguments.Service();

    private static readonly Option<DateTimeOffset?> Since = new("--since")
    {
        Description = "Nothing older: a time such as 2026-01-31T12:00:00Z (UTC where it does not say), or how long ago, such as 10m. Default: everything",
        HelpName = "TIME",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (Durations.TryParse(text, out var ago) && ago >= TimeSpan.Zero)
            {
                return TimeProvider.System.GetUtcNow() - ago;
            }

            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                return time;
            }

            result.AddError($"--since: '{text}' is no time; expected such as 2026-01-31T12:00:00Z or 10m");
            return null;
        },
    };

    private static readonly Option<string[]> Node = new("--node")
    {
        Description = "Of this node alone; may be given several times.",
        HelpName = "NODE",
    };

    private static readonly Option<string?> Log = new("--log")
    {
        Description = "Of logs of this name alone, such as error.log or 'access*'.",
        HelpName = "NAME",
    };

    private static readonly Option<string?> Grep = new("--grep")
    {
        Description = "What matches this regular expression: lines with a time stamp, and the lines without one after them. (?i) at its beginning: in either case.",
        HelpName = "EXPRESSION",
    };

    private static readonly Option<bool> Follow = new("--follow", "-f")
    {
        Description = "Go on with what is written from now on, until interrupted. Without --since, nothing of what is there already.",
    };

    private static readonly Option<bool> NoNames = new("--no-names") { Description = "Lines as they are, without the names of node and log before them." };

    public static Command Create()
    {
        var command = new Command("logs", "The logs of a service on all nodes as one, by time stamp. Needs no daemon.")
        {
            Service, Since, Node, Log, Grep, Follow, NoNames,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() => Show(parsed, cancellation), CancellationToken.None));
        return command;
    }

    private static int Show(ParseResult parsed, CancellationToken cancellation)
    {
        var settings = GlobalOptions.Load(parsed);
        var service = settings.RequireService(parsed.GetRequiredValue(Service));
        if (service.Logs is null)
        {
            throw new CommandException(
                ExitCodes.Usage, $"no logs of {service.Name} are configured", $"clusterfs.services.{service.Name}.logs.link says where it writes them");
        }

        var query = new LogQuery
        {
            Since = parsed.GetValue(Since),
            Nodes = NodesOf(parsed, settings),
            Log = parsed.GetValue(Log),
            Grep = parsed.GetValue(Grep),
            Follow = parsed.GetValue(Follow),
        };
        var error = parsed.InvocationConfiguration.Error;
        var logs = new ServiceLogs(settings, service, TimeZoneInfo.Local, TimeProvider.System, note => error.WriteLine($"clusterfs: {note}"));
        using var interrupted = new Interruption(cancellation, secondEnds: true);
        try
        {
            if (!Write(parsed, logs, query, interrupted.Token))
            {
                error.WriteLine($"clusterfs: no node has a log of {service.Name} yet");
            }
        }
        catch (OperationCanceledException) when (query.Follow)
        {
            // That is how following ends.
        }
        catch (RegexParseException mistake)
        {
            throw new CommandException(ExitCodes.Usage, $"--grep: {mistake.Message}");
        }

        return ExitCodes.Done;
    }

    private static bool Write(ParseResult parsed, ServiceLogs logs, LogQuery query, CancellationToken cancellation)
    {
        var writer = parsed.InvocationConfiguration.Output;
        var isConsole = ReferenceEquals(writer, Console.Out);
        var format = new LogFormat(!parsed.GetValue(NoNames), isConsole && !Console.IsOutputRedirected, parsed.GetValue(GlobalOptions.Json));
        using Stream output = isConsole ? new StandardOutputStream() : new WriterStream(writer);
        try
        {
            return logs.Write(query, output, format, cancellation);
        }
        catch (PosixException closed) when (closed.Error == PosixException.BrokenPipe)
        {
            // Whoever reads has had enough, as head has.
            return true;
        }
    }

    private static ImmutableSortedSet<string> NodesOf(ParseResult parsed, Settings settings)
    {
        var nodes = (parsed.GetValue(Node) ?? []).ToImmutableSortedSet(StringComparer.Ordinal);
        return nodes.Except(settings.Cluster.Nodes.Keys) is [var unknown, ..]
            ? throw new CommandException(ExitCodes.Usage, $"there is no node {unknown}", $"the nodes are {string.Join(", ", settings.Cluster.Nodes.Keys)}")
            : nodes;
    }

    /// <summary>An output of text that gets bytes. A character that two writes share is kept together.</summary>
    private sealed class WriterStream(TextWriter writer) : WriteOnlyStream
    {
        private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var characters = new char[_decoder.GetCharCount(buffer, flush: false)];
            writer.Write(characters, 0, _decoder.GetChars(buffer, characters, flush: false));
        }

        public override void Flush() => writer.Flush();
    }
}
