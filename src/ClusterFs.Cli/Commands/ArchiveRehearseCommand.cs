using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Rehearsal;
using ClusterFs.Archive.Restore;
using ClusterFs.Cli.Display;
using ClusterFs.Configuration;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive rehearse</c>: what the daemon does now and then by itself, at once.</summary>
public static class ArchiveRehearseCommand
{
    public static Command Create()
    {
        var place = new ArchivePlace();
        var options = new RehearsalOptions();
        var command = new Command(
            "rehearse",
            "Restore a dump into a directory that is deleted again, and have a command look at it. Nothing else is touched. "
            + "That of the newest dump with what is configured counts as this node's; with --sequence, --at, --check, --check-timeout, --key-file, "
            + "--store or --scratch it is not remembered. "
            + "Ends with 0 when it was restored and is right, with 1 when not, with 3 when another rehearsal is under way there.")
        {
            place.Service, place.Store, place.KeyFile, options.Check, options.CheckTimeout, options.Scratch, place.Sequence, place.At,
        };
        place.RequireOneChoice(command);
        options.AddChecksTo(command, place);
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var (rehearsal, check) = options.Read(parsed, place, archive);
            var terminal = Terminal.Of(parsed);
            using var interruption = new Interruption(cancellation);
            var report = await terminal.WorkAsync(
                $"Rehearsing {archive.Service}",
                say => Task.Run(() => Rehearse(
                    rehearsal, place.Choose(parsed, archive, interruption.Token), check, new Progress(archive.Service, say), interruption.Token)))
                .ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(
                    new Rehearsed(
                        archive.Service, report.Sequence, report.Passed, report.Bytes, report.RestoreSeconds, report.CheckSeconds, report.Problem),
                    ArchiveJson.Default.Rehearsed);
            }
            else
            {
                terminal.Write(InWords(archive.Service, report));
            }

            return report.Passed ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    private static RehearsalReport Rehearse(
        DumpRehearsal rehearsal, DumpRecord dump, RehearsalCheck? check, Progress progress, CancellationToken cancellation)
    {
        try
        {
            return rehearsal.Run(dump, check, progress, progress.Checking, cancellation);
        }
        catch (RehearsalUnderWayException other)
        {
            throw new CommandException(ExitCodes.Refused, other.Message.TrimEnd('.'), "");
        }
    }

    private static string InWords(string service, RehearsalReport report) => report switch
    {
        { Problem: { } problem } => $"{service}: dump #{report.Sequence} FAILED: {problem}",
        { CheckSeconds: { } check } => $"{service}: dump #{report.Sequence} was restored in {Humane.Seconds(report.RestoreSeconds)}: "
            + $"{Humane.Bytes(report.Bytes)}. Its check passed, in {Humane.Seconds(check)}.",
        _ => $"{service}: dump #{report.Sequence} was restored in {Humane.Seconds(report.RestoreSeconds)}: "
            + $"{Humane.Bytes(report.Bytes)}. No check is configured, so nothing has looked at it.",
    };

    private sealed class RehearsalOptions
    {
        public Option<string> Check { get; } = new("--check")
        {
            Description = "The command, for /bin/sh, that ends with 0 when the content in $CLUSTERFS_RESTORED is right; it runs there. "
                + "Default: live.rehearsal.check of the configuration; with --store, none",
            HelpName = "CMD",
        };

        public Option<TimeSpan?> CheckTimeout { get; } = CommandArguments.Time(
            "--check-timeout", RehearsalSettings.Default.CheckTimeout, "How long the check may take, in place of live.rehearsal.check-timeout.");

        public Option<string> Scratch { get; } = new("--scratch")
        {
            Description = "A directory with room for the content, in which one is made and deleted again. Default: beside the live content of this node",
            HelpName = "DIR",
        };

        public void AddChecksTo(Command command, ArchivePlace place) => command.Validators.Add(result =>
        {
            if (result.GetResult(place.Store) is not null && result.GetResult(Scratch) is null)
            {
                result.AddError("with --store there is no configuration that says where live content lies: --scratch DIR is needed");
            }

            if (result.GetResult(Check) is not null && string.IsNullOrWhiteSpace(result.GetValue(Check)))
            {
                result.AddError("--check: is empty; expected a command");
            }
        });

        public (DumpRehearsal Rehearsal, RehearsalCheck? Check) Read(ParseResult parsed, ArchivePlace place, ServiceArchive archive)
        {
            var settings = parsed.GetValue(place.Store) is null ? GlobalOptions.Load(parsed) : null;
            var live = settings?.RequireService(archive.Service).Live;
            var node = settings?.Node.Name ?? StandaloneNode.Name;
            var check = parsed.GetValue(Check) ?? live?.Rehearsal.Check;
            var timeout = parsed.GetValue(CheckTimeout) ?? (live?.Rehearsal ?? RehearsalSettings.Default).CheckTimeout;
            Option[] others = [place.Sequence, place.At, place.KeyFile, Check, CheckTimeout];
            return (
                parsed.GetValue(Scratch) is { } scratch
                    ? DumpRehearsal.In(Path.GetFullPath(scratch), archive, node)
                    : DumpRehearsal.ByHand(live!.Path, archive, node, counts: !others.Any(option => parsed.GetResult(option) is { Implicit: false })),
                check is null ? null : new RehearsalCheck(check, timeout));
        }
    }

    /// <summary>Said at once, in order: the framework's own Progress would hand it to other threads.</summary>
    private sealed class Progress(string service, Action<string> say) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => say(
            $"Rehearsing {service}: {value.Files} of {value.TotalFiles} files, "
            + $"{Humane.Bytes(value.Bytes)} of {Humane.Bytes(value.TotalBytes)}");

        public void Checking() => say($"Rehearsing {service}: its check runs");
    }
}
