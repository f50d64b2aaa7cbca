using System.Collections.Immutable;

namespace ClusterFs.Configuration.Binding;

/// <summary>What of <c>clusterfs.services.*.live</c> says how the content is captured.</summary>
internal static class CaptureBinder
{
    private const string Quiesce = "quiesce";
    private const string Resume = "resume";
    private const string HookTimeout = "hook-timeout";
    private const string QuiesceLimit = "quiesce-limit";
    private const string Command = "command";
    private const string CommandTimeout = "command-timeout";

    private static readonly ImmutableDictionary<string, CaptureKind> Kinds = ImmutableDictionary.CreateRange(
        StringComparer.Ordinal,
        [
            KeyValuePair.Create("auto", CaptureKind.Auto),
            KeyValuePair.Create("sqlite", CaptureKind.Sqlite),
            KeyValuePair.Create("copy", CaptureKind.Copy),
            KeyValuePair.Create("snapshot", CaptureKind.Snapshot),
            KeyValuePair.Create("hooks", CaptureKind.Hooks),
            KeyValuePair.Create("command", CaptureKind.Command),
        ]);

    public static (CaptureKind Kind, HookSettings? Hooks, CaptureCommandSettings? Command) Bind(Section live)
    {
        var kind = live.Choice("capture", CaptureKind.Auto, Kinds);
        var timeout = live.Duration(HookTimeout, TimeSpan.FromSeconds(10), min: TimeSpan.FromMilliseconds(100), max: TimeSpan.FromHours(1));
        var limit = live.Duration(QuiesceLimit, TimeSpan.FromMinutes(1), min: TimeSpan.FromSeconds(1), max: TimeSpan.FromHours(1));
        var commandTimeout = live.Duration(CommandTimeout, TimeSpan.FromMinutes(10), min: TimeSpan.FromSeconds(1), max: TimeSpan.FromDays(1));
        var hooked = kind is { Valid: true, Value: CaptureKind.Hooks };
        var commanded = kind is { Valid: true, Value: CaptureKind.Command };
        if (kind.Valid)
        {
            Refuse(live, kind.Value, hooked, CaptureKind.Hooks, Quiesce, Resume, HookTimeout, QuiesceLimit);
            Refuse(live, kind.Value, commanded, CaptureKind.Command, Command, CommandTimeout);
        }

        var quiesce = TextOf(live, Quiesce, hooked, "expected the command that makes the service write what it has and stand still, for capture = hooks");
        var resume = TextOf(live, Resume, hooked, "expected the command that lets the service go on, for capture = hooks");
        var command = TextOf(live, Command, commanded, "expected the command that writes a copy into $CLUSTERFS_TARGET, for capture = command");
        return (
            kind.Value,
            hooked ? new HookSettings(quiesce, resume, timeout.Value, limit.Value) : null,
            commanded ? new CaptureCommandSettings(command, commandTimeout.Value) : null);
    }

    private static string TextOf(Section live, string name, bool required, string expected) =>
        (required ? live.RequiredText(name, expected).Value : live.Text(name).Value) ?? "";

    /// <summary>A command that would never run is most likely a mistake in capture.</summary>
    private static void Refuse(Section live, CaptureKind written, bool used, CaptureKind meant, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (!used && live.Text(name) is { Valid: true, Value: not null } text)
            {
                live.Wrong(text.At, name, "", $"has no effect with capture = {NameOf(written)}", $"expected capture = {NameOf(meant)}, or no {name}");
            }
        }
    }

    private static string NameOf(CaptureKind kind) => Kinds.First(pair => pair.Value == kind).Key;
}
