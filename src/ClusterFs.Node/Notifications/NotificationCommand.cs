using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ClusterFs.Configuration;
using ClusterFs.Ownership.Notifications;

namespace ClusterFs.Node.Notifications;

/// <summary>What became of one run of a notification command.</summary>
/// <param name="Outcome">In words, with what it printed.</param>
internal sealed record NotificationResult(bool Succeeded, string Outcome);

/// <summary>Runs a notification command once: facts in its environment and on its standard input, and not for longer than it may.</summary>
internal static class NotificationCommand
{
    private const int LongestOutcome = 1000;

    private static readonly TimeSpan ReadPatience = TimeSpan.FromSeconds(1);

    /// <param name="reporter">The node that runs it.</param>
    public static async Task<NotificationResult> RunAsync(NotificationSettings settings, Notification notification, string reporter)
    {
        using var limit = new CancellationTokenSource(settings.Timeout);
        Process? process = null;
        try
        {
            process = Process.Start(StartOf(settings, notification, reporter))!;
            var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await GiveAsync(process, JsonOf(notification, reporter), limit.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            await Task.WhenAny(output, Task.Delay(ReadPatience)).ConfigureAwait(false);
            var words = output.IsCompletedSuccessfully ? string.Join(' ', await output.ConfigureAwait(false)).ReplaceLineEndings(" ").Trim() : "";
            return new NotificationResult(process.ExitCode == 0, $"exit code {process.ExitCode}{(words.Length == 0 ? "" : $": {Shorten(words)}")}");
        }
        catch (OperationCanceledException)
        {
            process?.Kill(entireProcessTree: true);
            return new NotificationResult(false, string.Create(CultureInfo.InvariantCulture, $"no end after {settings.Timeout.TotalSeconds:0.#} s"));
        }
        catch (Exception problem) when (problem is Win32Exception or IOException or InvalidOperationException)
        {
            process?.Kill(entireProcessTree: true);
            return new NotificationResult(false, problem.Message);
        }
        finally
        {
            process?.Dispose();
        }
    }

    /// <summary>The same facts for the environment and for the object; null where one is not known.</summary>
    internal static IEnumerable<(string Name, object? Value)> FactsOf(Notification notification, string reporter) =>
    [
        ("event", NameOf(notification.Kind)),
        ("service", notification.Service),
        ("node", notification.Node),
        ("epoch", notification.Epoch == 0 ? null : notification.Epoch),
        ("cause", notification.Cause),
        ("text", notification.Text),
        ("at", notification.At.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)),
        ("durationSeconds", notification.DurationSeconds),
        ("lostSeconds", notification.LostSeconds),
        ("lostBytes", notification.LostBytes),
        ("reportedBy", reporter),
    ];

    /// <summary>As it is written in the configuration.</summary>
    internal static string NameOf(NotificationKind kind) =>
        string.Concat($"{kind}".Select((c, at) => char.IsUpper(c) ? $"{(at == 0 ? "" : "-")}{char.ToLowerInvariant(c)}" : $"{c}"));

    internal static string VariableOf(string fact) =>
        $"CLUSTERFS_{string.Concat(fact.Select(c => char.IsUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}"))}";

    private static ProcessStartInfo StartOf(NotificationSettings settings, Notification notification, string reporter)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", settings.Command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in FactsOf(notification, reporter))
        {
            start.Environment[VariableOf(name)] = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        }

        return start;
    }

    private static byte[] JsonOf(Notification notification, string reporter)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach (var (name, value) in FactsOf(notification, reporter))
            {
                json.WritePropertyName(name);
                switch (value)
                {
                    case null:
                        json.WriteNullValue();
                        break;
                    case long number:
                        json.WriteNumberValue(number);
                        break;
                    case double number:
                        json.WriteNumberValue(number);
                        break;
                    default:
                        json.WriteStringValue((string)value);
                        break;
                }
            }

            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    /// <summary>A command that reads nothing, or has ended, has missed nothing that is not in its environment.</summary>
    private static async Task GiveAsync(Process process, byte[] json, CancellationToken limit)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(json, limit).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has closed its standard input.
        }
    }

    private static string Shorten(string words) => words.Length > LongestOutcome ? words[..LongestOutcome] : words;
}
