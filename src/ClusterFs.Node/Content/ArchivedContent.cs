using System.Diagnostics;
using System.Globalization;
using ClusterFs.Archive;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Rehearsal;
using ClusterFs.Archive.Restore;
using ClusterFs.Archive.Retention;
using ClusterFs.Configuration;
using ClusterFs.Node.Agents;
using ClusterFs.Posix;

namespace ClusterFs.Node.Content;

/// <summary>
/// A service's live content and archive. Opened when first needed, because both may be away when the daemon starts. One object per service
/// and process: it outlives the actors.
/// </summary>
internal sealed class ArchivedContent(ServiceSettings service, string node, string sharedPath, ArchiveKeys? keys) : IServiceContent
{
    private readonly Lock _opening = new();
    private readonly ServiceArchive _archive = new(sharedPath, service.Name) { Keys = keys };
    private readonly ArchiveUpkeep _upkeep = new(new ServiceArchive(sharedPath, service.Name) { Keys = keys }, PolicyOf(service.Live.Retention));
    private readonly DumpRehearsal _rehearsal = DumpRehearsal.Beside(
        service.Live.Path, new ServiceArchive(sharedPath, service.Name) { Keys = keys }, node);

    private LocalContent? _content;
    private DumpSeen? _newest;
    private long _readTo;

    public WorkResult Do(WorkKind kind, long epoch, Action<string> progress)
    {
        try
        {
            return kind switch
            {
                WorkKind.TakeOver => TakeOver(epoch, progress),
                WorkKind.Dump => Dump(epoch),
                WorkKind.FinalDump => FinalDump(epoch),
                WorkKind.KeepDivergent => KeepDivergent(epoch),
                _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown work"),
            };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            var still = _content?.ResumeProblem is { } problem && !failure.Message.Contains(problem, StringComparison.Ordinal) ? $" {problem}" : string.Empty;
            return new WorkResult(WorkOutcome.Failed, failure.Message + still, null, 0, null, null);
        }
    }

    public FollowSeen Follow(long toldOf, Action<string> progress, CancellationToken cancellation)
    {
        try
        {
            if (toldOf == 0 && !IsOpen && !_archive.List(cancellation).OfType<DumpRecord>().Any())
            {
                // Nothing is made on the disks of nodes for a service that has written nothing yet.
                return new FollowSeen(null, null, false);
            }

            return Open().Follow(toldOf, new RestoreWords(progress), cancellation) switch
            {
                FollowResult.Followed followed => new FollowSeen(See(followed.Dump), null, false),
                FollowResult.UpToDate current => new FollowSeen(See(current.Dump), null, false),
                FollowResult.NotNeeded => new FollowSeen(null, null, false),
                var other => throw new InvalidOperationException($"unknown outcome {other}"),
            };
        }
        catch (OperationCanceledException)
        {
            return new FollowSeen(null, null, true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return new FollowSeen(null, failure.Message, false);
        }
    }

    public void DropStandby()
    {
        if (LocalContent.HasStandby(service.Live.Path))
        {
            Open().DropStandby(CancellationToken.None);
        }
    }

    public RehearsalSeen Rehearse(Action<string?> progress, CancellationToken cancellation)
    {
        try
        {
            progress("reading the log");
            if (_archive.NewestDump(cancellation) is not { } dump)
            {
                return new RehearsalSeen(null, null);
            }

            var check = service.Live.Rehearsal is { Check: { } command, CheckTimeout: var timeout } ? new RehearsalCheck(command, timeout) : null;
            return new RehearsalSeen(_rehearsal.Run(dump, check, new RehearsalWords(progress), () => progress(null), cancellation), null);
        }
        catch (Exception failure) when (failure is OperationCanceledException || cancellation.IsCancellationRequested)
        {
            return new RehearsalSeen(null, null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return new RehearsalSeen(null, failure.Message);
        }
    }

    public RehearsalHistory LookAtRehearsals()
    {
        _rehearsal.PutInOrder();
        return _rehearsal.History();
    }

    public RiskSeen LookForRisk()
    {
        try
        {
            var risk = Open().AtRisk();
            return new RiskSeen(risk.Changed, risk.Bytes, null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new RiskSeen(true, 0, failure.Message);
        }
    }

    public ArchiveSeen LookAtArchive()
    {
        try
        {
            if (_readTo == 0 && _archive.List(CancellationToken.None) is { Count: > 0 } records)
            {
                // Once: later dumps are seen as they are made, here or by the owner.
                _readTo = records[^1].Slot;
                _newest = records.OfType<DumpRecord>().LastOrDefault() is { } dump ? See(dump) : null;
            }

            return new ArchiveSeen(_newest, _archive.ListDivergent(CancellationToken.None).Count);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new ArchiveSeen(_newest, null);
        }
    }

    private static WorkResult Done(string explanation) => new(WorkOutcome.Done, null, null, 0, null, explanation);

    private static WorkResult Superseded(LogRecord by) => new(WorkOutcome.Superseded, null, null, 0, null, by.Event);

    private static RetentionPolicy PolicyOf(RetentionSettings retention) => new(
        retention.KeepLast, retention.KeepHourly, retention.KeepDaily, retention.KeepWeekly, retention.KeepMonthly, retention.KeepYearly);

    private static DumpSeen See(DumpRecord dump) => new(dump.Epoch, dump.Slot, dump.At, dump.Content.Bytes);

    private WorkResult TakeOver(long epoch, Action<string> progress)
    {
        var content = Open();
        return ResultOf(content.TakeOver(epoch, new RestoreWords(progress), CancellationToken.None)) with { Warning = content.ResumeProblem };
    }

    private static WorkResult ResultOf(TakeOverResult taken) => taken switch
    {
        TakeOverResult.Ready ready => new WorkResult(
            WorkOutcome.Done,
            null,
            ready.Head is { } head ? See(head) : null,
            0,
            ready.Head?.Content.Guarantee,
            ready.Kept is { } kept ? $"{ready.Explanation} (kept outside the line: {kept.Id})" : ready.Explanation),
        TakeOverResult.Superseded superseded => Superseded(superseded.By),
        var other => throw new InvalidOperationException($"unknown outcome {other}"),
    };

    private WorkResult Dump(long epoch, bool ended = false)
    {
        var content = Open();
        return ResultOf(content.Dump(epoch, CancellationToken.None, ended)) with { Warning = content.ResumeProblem, Kept = content.Kept };
    }

    private WorkResult ResultOf(DumpResult dumped) => dumped switch
    {
        DumpResult.Committed dump => Committed(dump),
        DumpResult.Unchanged unchanged => new WorkResult(
            WorkOutcome.Done, null, See(unchanged.Last), 0, unchanged.Last.Content.Guarantee, "nothing had changed since the newest dump"),
        DumpResult.Superseded superseded => Superseded(superseded.By),
        var other => throw new InvalidOperationException($"unknown outcome {other}"),
    };

    private WorkResult FinalDump(long epoch)
    {
        var content = Open();
        if (content.Epoch == epoch)
        {
            return Dump(epoch, ended: true);
        }

        return content.WasNeverOpened(epoch, CancellationToken.None)
            ? Done("nothing was opened under it, so there is nothing to dump")
            : new WorkResult(WorkOutcome.Superseded, null, null, 0, null, "what was written under it is not on this node's disk any more");
    }

    private WorkResult Committed(DumpResult.Committed dump)
    {
        _upkeep.Start(dump.Record.Slot);
        return new WorkResult(
            WorkOutcome.Done,
            null,
            See(dump.Record),
            dump.StoredBytes,
            dump.Guarantee,
            $"dump {dump.Record.Slot.ToString(CultureInfo.InvariantCulture)} is in the line"
            + (_upkeep.Problem is { } problem ? $"; the upkeep of the archive fails: {problem}" : string.Empty));
    }

    private WorkResult KeepDivergent(long runsUnder)
    {
        var kept = Open().KeepDivergent("another node went on from an older dump", CancellationToken.None, runsUnder);
        return Done(kept is null ? "all of it is in the line" : $"kept as {kept.Id}, see `clusterfs divergent list {service.Name}`");
    }

    private bool IsOpen
    {
        get
        {
            lock (_opening)
            {
                return _content is not null;
            }
        }
    }

    private LocalContent Open()
    {
        lock (_opening)
        {
            return _content ??= LocalContent.Open(_archive, service.Live.Path, node, CaptureOf(service.Live));
        }
    }

    private static CaptureSettings CaptureOf(LiveSettings live) => new(live.Capture switch
    {
        CaptureKind.Auto => CaptureMode.Auto,
        CaptureKind.Sqlite => CaptureMode.Sqlite,
        CaptureKind.Copy => CaptureMode.Copy,
        CaptureKind.Snapshot => CaptureMode.Snapshot,
        CaptureKind.Hooks => CaptureMode.Hooks,
        CaptureKind.Command => CaptureMode.Command,
        var other => throw new InvalidOperationException($"unknown capture {other}"),
    })
    {
        KeepsBlocks = live.KeepBlocks == BlockKeeping.Auto,
        Hooks = live.Hooks is { } hooks ? new CaptureHooks(hooks.Quiesce, hooks.Resume, hooks.Timeout, hooks.Limit) : null,
        Command = live.Command is { } command ? new CaptureCommand(command.Command, command.Timeout) : null,
    };

    private sealed class RestoreWords(Action<string> say) : IProgress<RestoreProgress>
    {
        private long _saidPercent = -1;

        public void Report(RestoreProgress value)
        {
            var percent = value.TotalBytes == 0 ? 100 : value.Bytes * 100 / value.TotalBytes;
            if (percent != _saidPercent)
            {
                _saidPercent = percent;
                say($"restoring: {percent.ToString(CultureInfo.InvariantCulture)} % of {value.TotalBytes.ToString(CultureInfo.InvariantCulture)} bytes");
            }
        }
    }

    /// <summary>Now and then: a percent of much may take a while, and what is not heard of is taken for stuck.</summary>
    private sealed class RehearsalWords(Action<string?> say) : IProgress<RestoreProgress>
    {
        private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

        private long? _saidAt;
        private (long Files, long Bytes) _said;
        private bool _saidWritten;

        public void Report(RestoreProgress value)
        {
            // What is left is the sync, which others' writes may make long, and which shared storage has no part in.
            var isWritten = value.Bytes >= value.TotalBytes;
            var isSaid = isWritten ? _saidWritten : (value.Files, value.Bytes) == _said || (_saidAt is { } at && Stopwatch.GetElapsedTime(at) < Between);
            if (isSaid)
            {
                return;
            }

            _saidAt = Stopwatch.GetTimestamp();
            _said = (value.Files, value.Bytes);
            _saidWritten = isWritten;
            say(isWritten ? null : string.Create(CultureInfo.InvariantCulture, $"restored {value.Bytes} of {value.TotalBytes} bytes, {value.Files} of {value.TotalFiles} files"));
        }
    }
}
