using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using ClusterFs.Cli.Display;
using ClusterFs.Cli.Doctor;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs doctor</c>.</summary>
/// <remarks>
/// A thread that hangs in storage that is gone may not let its process end, whatever it is sent. So this process looks at nothing itself: it has
/// another one look, and leaves that behind if it must.
/// </remarks>
public static class DoctorCommand
{
    /// <summary>All that is looked at has limits of its own, well below.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private static readonly TimeSpan Tidying = TimeSpan.FromSeconds(1);

    private static readonly DoctorJson Indented = new(new JsonSerializerOptions(DoctorJson.Default.Options) { WriteIndented = true });

    private static readonly Option<bool> Here = new("--here") { Description = "In this process.", Hidden = true };

    public static Command Create()
    {
        var command = new Command(
            "doctor", "Is this node fit: configuration, permissions, certificates, clock, peers, journal, storage, space. Says how to mend what is not. Needs no daemon.")
        {
            Here,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var terminal = Terminal.Of(parsed);
            var path = Path.GetFullPath(GlobalOptions.ConfigPath(parsed));
            var report = parsed.GetValue(Here)
                ? await Examination.RunAsync(path, TimeProvider.System).ConfigureAwait(false)
                : await terminal.WorkAsync("Looking at this node", _ => AskAsync(path, cancellation)).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                // One line for the process that asked.
                terminal.WriteJson(report, (parsed.GetValue(Here) ? DoctorJson.Default : Indented).DoctorReport);
            }
            else
            {
                Write(terminal, report);
            }

            return report.Fit ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    private static async Task<DoctorReport> AskAsync(string path, CancellationToken cancellation)
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["doctor", Here.Name, "--json", "--config", path])
        {
            RedirectStandardOutput = true,
        })!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(limit.Token).ConfigureAwait(false)
                ?? throw new CommandException(ExitCodes.Failed, "the process that was to look at this node ended without a word", "see above");
            return JsonSerializer.Deserialize(line, DoctorJson.Default.DoctorReport)!;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return DoctorReport.Of(null,
            [
                Finding.Failure(
                    "doctor", $"nothing was heard within {Patience.TotalSeconds:0} s", "the configuration lies on storage that does not answer, or the machine hardly runs",
                    $"is {path} there, and what it includes? See 'findmnt', and the load of this machine"),
            ]);
        }
        finally
        {
            if (cancellation.IsCancellationRequested)
            {
                // It removes what it made on shared storage and beside live content, if they answer.
                Processes.Signal(process.Id, Processes.SignalInterrupt);
                _ = await Task.WhenAny(process.WaitForExitAsync(CancellationToken.None), Task.Delay(Tidying, CancellationToken.None)).ConfigureAwait(false);
            }

            process.Kill();
        }
    }

    private static void Write(Terminal terminal, DoctorReport report)
    {
        foreach (var finding in report.Findings.Select(Printable))
        {
            terminal.Write($"{WordOf(finding.Severity)}  {finding.Check}: {finding.Seen}{(finding is { Severity: Severity.Ok, Meaning.Length: > 0 } ? $": {finding.Meaning}" : "")}");
            if (finding.Severity != Severity.Ok)
            {
                terminal.Write($"         means:  {finding.Meaning}");
                terminal.Write($"         remedy: {finding.Remedy}");
            }
        }

        var warnings = report.Findings.Count(finding => finding.Severity == Severity.Warning);
        var failures = report.Findings.Count(finding => finding.Severity == Severity.Failure);
        var others = (failures, warnings) switch
        {
            (0, 0) => "",
            (0, _) => $", {warnings} to look at",
            _ => $": {failures} to mend, {warnings} to look at",
        };
        terminal.Write($"{report.Node ?? "This node"} is {(report.Fit ? "fit" : "NOT FIT")}{others}.");
    }

    /// <summary>What others said may hold anything.</summary>
    private static Finding Printable(Finding finding) => finding with
    {
        Seen = Humane.Printable(finding.Seen),
        Meaning = Humane.Printable(finding.Meaning),
        Remedy = Humane.Printable(finding.Remedy),
    };

    private static string WordOf(Severity severity) => severity switch
    {
        Severity.Ok => "ok     ",
        Severity.Warning => "WARNING",
        _ => "FAILURE",
    };
}
