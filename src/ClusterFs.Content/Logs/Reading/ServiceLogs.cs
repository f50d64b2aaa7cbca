using ClusterFs.Configuration;
using ClusterFs.Content.Logs.Stamps;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>The logs of a service, on all nodes, as one. Needs no daemon. Not safe for several threads.</summary>
/// <param name="service">One that has <c>logs</c>.</param>
/// <param name="zone">Of stamps that name none.</param>
/// <param name="note">Told, once each, of what cannot be read.</param>
public sealed class ServiceLogs(Settings settings, ServiceSettings service, TimeZoneInfo zone, TimeProvider time, Action<string> note)
{
    private const int Memory = 32 * 1024 * 1024;
    private const int MostOfOne = 1024 * 1024;
    private const int LeastOfOne = 16 * 1024;
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly HashSet<string> _noted = new(StringComparer.Ordinal);
    private readonly StampPattern? _pattern = service.Logs!.TimePattern is { } pattern ? StampPattern.Parse(pattern) : null;
    private Task<bool>? _look;

    /// <summary>Writes what is wanted, oldest first. When following, until cancelled.</summary>
    /// <returns>False when there was no log to be read, and nothing to follow.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; whole lines were written.</exception>
    /// <exception cref="ArgumentException"><see cref="LogQuery.Grep"/> is no regular expression.</exception>
    /// <exception cref="IOException">The output is closed, or shared storage fails.</exception>
    public bool Write(LogQuery query, Stream output, LogFormat format, CancellationToken cancellation)
    {
        LinePrinter printer = format.Json ? new JsonPrinter(output) : new TextPrinter(output, format.WithNames, format.ForTerminal);
        ILineSink sink = query.Grep is { } grep ? new GrepFilter(grep, printer) : printer;
        sink = query.Since is { } since ? new SinceFilter(since.UtcTicks, sink) : sink;
        var catalog = new LogCatalog(
            () => IsSharedThere() ? settings.Shared.Path : null, service.Name, service.Logs!, settings.Cluster.Nodes.Keys.ToArray(), settings.Node.Name);
        using var follow = new LogFollow(catalog, query, StampsOf, sink, Note);
        try
        {
            using (var logs = OpenLogs.Open(catalog, query, StampsOf, Note))
            {
                if (logs.Logs.Count == 0 && !query.Follow)
                {
                    return false;
                }

                Merge(logs, sink, cancellation);
                follow.GoOn(logs);
            }

            Flush(printer, isLast: !query.Follow);
            while (query.Follow)
            {
                follow.Look(time.GetTimestamp() / (time.TimestampFrequency / TimeSpan.TicksPerSecond), cancellation);
                Flush(printer, isLast: false);
                cancellation.WaitHandle.WaitOne(Between);
                cancellation.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException)
        {
            Flush(printer, isLast: true);
            throw;
        }

        return true;
    }

    private static void Flush(LinePrinter printer, bool isLast)
    {
        if (isLast && printer is TextPrinter text)
        {
            text.EndLine();
        }

        printer.Flush();
    }

    private void Merge(OpenLogs logs, ILineSink sink, CancellationToken cancellation)
    {
        var size = Math.Clamp(Memory / Math.Max(1, logs.Logs.Count), LeastOfOne, MostOfOne);
        var cursors = logs.Logs
            .Select(log => new LogCursor(log.Stream, [.. log.Files.Select(file => file.Part)], new byte[size], Note))
            .ToList();
        LogMerge.Run(cursors, sink, cancellation);
        cursors.ForEach(cursor => cursor.Dispose());
    }

    private StampReader StampsOf(DateTimeOffset writtenBy) => new(_pattern, zone, writtenBy);

    /// <summary>Storage that hangs answers never.</summary>
    private bool IsSharedThere()
    {
        if (_look is not { IsCompleted: false })
        {
            _look = Task.Run(() => Directory.Exists(Path.Combine(settings.Shared.Path, "clusterfs")));
            if (_look.Wait(Patience) && _look.Result)
            {
                return true;
            }
        }

        Note($"shared storage at {settings.Shared.Path} is away: this shows only what this node has on its own disk");
        return false;
    }

    private void Note(string text)
    {
        if (_noted.Add(text))
        {
            note(text);
        }
    }
}
