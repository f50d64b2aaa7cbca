using System.Globalization;
using System.Text.Json;
using ClusterFs.Archive.Capture;
using ClusterFs.Configuration;
using ClusterFs.Ownership.Notifications;

namespace ClusterFs.Node.Notifications;

/// <summary>What became of one run of a notification command.</summary>
/// <param name="Outcome">In words, with what it printed.</param>
internal sealed record NotificationResult(bool Succeeded, string Outcome);

/// <summary>Runs a notification command once: facts in its environment and on its standard input, and not for longer than it may.</summary>
internal static class NotificationCommand
{
    /// <summary>Waits for it, on the caller's thread.</summary>
    /// <param name="reporter">The node that runs it.</param>
    /// <exception cref="OperationCanceledException">Cancelled; all that it started was killed.</exception>
    public static NotificationResult Run(NotificationSettings settings, Notification notification, string reporter, CancellationToken cancellation)
    {
        var environment = FactsOf(notification, reporter)
            .Select(fact => KeyValuePair.Create(VariableOf(fact.Name), Convert.ToString(fact.Value, CultureInfo.InvariantCulture) ?? ""));
        var outcome = BoundedCommand.OfShell(settings.Command, "/", Guid.NewGuid().ToString("N"), environment)
            .Run(settings.Timeout, cancellation, JsonOf(notification, reporter));
        return new NotificationResult(outcome.Succeeded, outcome.Words);
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
}
