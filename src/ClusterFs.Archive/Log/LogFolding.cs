using System.Globalization;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Log;

/// <summary>
/// Keeps the files of the log few: slots are copied into runs, runs into longer ones, and deleted once the run is durable and was read back.
/// Cut short at any point, it leaves every record readable; two that do it at once make the same files.
/// </summary>
internal sealed class LogFolding(ArchiveLayout layout, SlotLog log)
{
    /// <param name="newest">The newest slot known to be taken.</param>
    /// <returns>How many runs were made.</returns>
    public int Run(long newest, CancellationToken cancellation) => SharedStorage.Reach(layout.Log, () =>
    {
        var made = new HashSet<SlotRange>();
        while (true)
        {
            var (seen, files) = List();
            DeleteFolded(seen, files, cancellation);

            // A listing may not show yet what was made a moment ago.
            if (FoldRules.Next([.. seen.Union(made)], newest) is not { } range)
            {
                return made.Count;
            }

            Fold(range, cancellation);
            made.Add(range);
        }
    });

    private (List<SlotRange> Runs, List<(string File, SlotRange Range)> Files) List()
    {
        var seen = new List<SlotRange>();
        var files = new List<(string, SlotRange)>();
        foreach (var file in Directory.EnumerateFiles(layout.Log))
        {
            var name = Path.GetFileName(file.AsSpan());
            if (SlotRuns.TryParse(name) is { } range)
            {
                seen.Add(range);
                files.Add((file, range));
            }
            else if (long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var slot))
            {
                files.Add((file, new SlotRange(slot, slot)));
            }
        }

        return (seen, files);
    }

    /// <summary>Only what a run holds that has just been read back from storage, and only once its name is durable.</summary>
    private void DeleteFolded(List<SlotRange> seen, List<(string File, SlotRange Range)> files, CancellationToken cancellation)
    {
        var folded = files.ToLookup(
            file => FoldRules.Outermost(seen).FirstOrDefault(run => run != file.Range && run.Contains(file.Range)), file => file.File);
        foreach (var covered in folded.Where(group => group.Key != default))
        {
            cancellation.ThrowIfCancellationRequested();
            if (log.Runs.TryRead(covered.Key) is null)
            {
                continue;
            }

            log.Sync();
            foreach (var file in covered)
            {
                File.Delete(file);
            }
        }
    }

    private void Fold(SlotRange range, CancellationToken cancellation)
    {
        using var records = new MemoryStream();
        LogRecord? previous = null;
        for (var slot = range.First; slot <= range.Last; slot++)
        {
            var (record, bytes) = log.ReadBytes(slot, cancellation);
            if (slot > range.First && LogRules.Objection(previous, record) is { } objection)
            {
                throw new DamagedArchiveException(log.FileOf(slot), objection);
            }

            records.Write(bytes);
            previous = record;
        }

        var temporary = layout.NewTemporary(Guid.NewGuid().ToString("N"));
        try
        {
            var run = SlotRunFormat.Write(range, records.GetBuffer().AsSpan(0, (int)records.Length));
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0))
            {
                stream.Write(run);
                stream.Flush(flushToDisk: true);
                FileAttribution.ForgetCached(stream.SafeFileHandle);
            }

            _ = SlotRunFormat.Read(temporary, File.ReadAllBytes(temporary), range);
            log.Runs.Publish(temporary, range);
        }
        finally
        {
            File.Delete(temporary);
        }

        log.Sync();
    }
}
