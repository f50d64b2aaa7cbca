using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>Where the preparation of dumps keeps what it needs, beside the live content and on the same file system.</summary>
/// <param name="Scratch">Of no use after a crash.</param>
/// <param name="MarkFile">See <see cref="QuiesceMark"/>.</param>
/// <param name="SeenFile">An index of the live files as of the last copy by a command.</param>
internal sealed record CapturePlaces(string Live, string Scratch, string MarkFile, string SeenFile);

/// <summary>
/// Makes live content ready to be read for a dump, as its settings say: holds the service still, takes a snapshot, or has a copy written.
/// </summary>
internal sealed class CapturePreparation(CaptureSettings settings, string service, string node, CapturePlaces places, FileSystemClock clock)
{
    private const string CopyPrefix = "copy.";
    private const string BySnapshot = "all as of one moment, by a btrfs snapshot";

    private readonly LiveCommands _commands = new(settings, service, node, places.Live, places.MarkFile);
    private bool _triedSnapshots;
    private string? _objection;

    /// <summary>Why the service may still stand still; null when it does not.</summary>
    public string? ResumeProblem => _commands.ResumeProblem;

    /// <summary>Whether the live files tell by themselves that nothing has changed. A service may have to be asked first to write what it has.</summary>
    public bool FilesTell => settings.Mode is not (CaptureMode.Hooks or CaptureMode.Command);

    /// <summary>Ends what a process that died had begun. Throws nothing for what can wait.</summary>
    public void PutInOrder()
    {
        _commands.ResumeLeft();
        foreach (var copy in Directory.EnumerateDirectories(places.Scratch, CopyPrefix + "*"))
        {
            // It may still be written.
            MarkedProcesses.Kill(Path.GetFileName(copy)[CopyPrefix.Length..]);
        }

        LiveSnapshot.DeleteLeft(places.Scratch);
    }

    /// <param name="ended">Whether the service has ended: then its files are what there is, and no command of its is run.</param>
    /// <exception cref="LocalContentException">It cannot be made ready. The service does not stand still, unless <see cref="ResumeProblem"/> says so.</exception>
    public CaptureSource Prepare(long epoch, bool ended, CancellationToken cancellation)
    {
        _commands.ResumeLeft();
        var isTakenAsItLies = settings.Mode is CaptureMode.Hooks or CaptureMode.Command or CaptureMode.Snapshot
            || (settings.Mode == CaptureMode.Auto && CanSnapshot());
        if (ended && isTakenAsItLies)
        {
            return AsItLies(CaptureMode.Raw, isWritten: false) with { Moment = "as they lay there, with no writer running" };
        }

        return settings.Mode switch
        {
            CaptureMode.Hooks => Quiesced(epoch, cancellation),
            CaptureMode.Command => Copied(epoch, cancellation),
            CaptureMode.Snapshot => Snapshot(),
            CaptureMode.Auto => Chosen(ended),
            var mode => AsItLies(mode, !ended),
        };
    }

    /// <param name="isWritten">Whether somebody may be in the middle of a write.</param>
    private CaptureSource AsItLies(CaptureMode mode, bool isWritten = true)
    {
        var source = CaptureSource.Of(places.Live, mode, clock);
        return isWritten ? source with { SeenAt = source.SeenAt - (long)(settings.LongestWrite.TotalMilliseconds * 1_000_000) } : source;
    }

    private CaptureSource Chosen(bool ended)
    {
        var plain = AsItLies(CaptureMode.Auto, !ended);
        if (!CanSnapshot())
        {
            return Btrfs.IsOn(places.Live) ? plain with { Note = $"no snapshot was taken: {_objection}" } : plain;
        }

        try
        {
            return Taken();
        }
        catch (LocalContentException problem)
        {
            return plain with { Note = $"no snapshot was taken: {problem.Message}" };
        }
    }

    private CaptureSource Snapshot()
    {
        // What was refused once may have been permitted since.
        _triedSnapshots &= _objection is null;
        return CanSnapshot() ? Taken() : throw new LocalContentException($"capture = snapshot is not possible: {_objection}.");
    }

    private CaptureSource Taken()
    {
        // What is written while the snapshot is being made may be in it in part, unless it is synced. So little is left to be written then.
        Durable.SyncFileSystem(places.Live);

        // The clock is read before: a file in the snapshot may have the time of a change that came too late for it, and such a time must not pass
        // for settled.
        var live = AsItLies(CaptureMode.Raw);
        var snapshot = LiveSnapshot.Take(places.Live, places.Scratch);
        return live with
        {
            Root = snapshot.Root,
            Moment = $"{BySnapshot}: what a power cut would leave",
            IsSnapshot = true,
            Made = new Once(snapshot.Dispose),
        };
    }

    private CaptureSource Quiesced(long epoch, CancellationToken cancellation)
    {
        // Tried before, since it takes a moment.
        var canSnapshot = CanSnapshot();
        var quiescence = _commands.Quiesce(epoch, cancellation);
        try
        {
            var source = AsItLies(CaptureMode.Raw, isWritten: false) with
            {
                Moment = "read while the service stood still, by its quiesce hook",
                Quiescence = quiescence,
            };
            if (!canSnapshot)
            {
                return source;
            }

            LiveSnapshot snapshot;
            try
            {
                snapshot = LiveSnapshot.Take(places.Live, places.Scratch);
            }
            catch (LocalContentException problem)
            {
                return source with { Note = $"no snapshot was taken: {problem.Message}" };
            }

            try
            {
                quiescence.End();
            }
            catch
            {
                snapshot.Dispose();
                throw;
            }

            return source with
            {
                Root = snapshot.Root,
                Moment = $"{BySnapshot} made while the service stood still, by its quiesce hook",
                IsSnapshot = true,
                Made = new Once(snapshot.Dispose),
            };
        }
        catch
        {
            quiescence.Dispose();
            throw;
        }
    }

    private CaptureSource Copied(long epoch, CancellationToken cancellation)
    {
        var run = LiveCommands.NewRun();
        var target = Path.Combine(places.Scratch, CopyPrefix + run);
        Directory.CreateDirectory(target);
        var live = FileStatus.TryRead(places.Live) ?? throw new LocalContentException($"{places.Live} is gone.");

        // A command may give up the rights of root for those of the content's owner, who has to get there.
        if (Processes.IsRoot)
        {
            GroupPassage.Open(Path.GetDirectoryName(places.Scratch)!, live.Group);
            GroupPassage.Open(places.Scratch, live.Group);
            FileAttribution.SetOwner(target, live.User, live.Group);
        }

        FileAttribution.SetMode(target, live.Mode);
        var source = AsItLies(CaptureMode.Raw) with
        {
            Root = target,
            Moment = "as the capture command wrote them",
            Made = new Once(() => ScratchTree.Delete(target)),
            Live = new LocalIndex.Writer(places.SeenFile),
        };
        try
        {
            Note(source, cancellation);
            _commands.WriteCopy(target, run, epoch, cancellation);
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>What the live files look like: what is at risk later is what has changed since.</summary>
    private void Note(CaptureSource source, CancellationToken cancellation)
    {
        using var none = new KnownRows([]);
        foreach (var viewed in new TreeView(places.Live, CaptureMode.Raw, none, source.SeenAt, (_, _) => false).Entries(cancellation))
        {
            var status = viewed.Status;
            var entry = new ManifestEntry(viewed.Path, status.Kind, status.Mode, status.User, status.Group, status.ModifiedNs)
            {
                Content = status.Kind == FileKind.File ? new FileContent(0, default) : null,
                Target = status.Kind == FileKind.SymbolicLink ? string.Empty : null,
            };
            source.Live!.Add(new IndexRow(entry, viewed.Identity, viewed.Settled, viewed.Sqlite, viewed.Log));
        }
    }

    private bool CanSnapshot()
    {
        if (!_triedSnapshots)
        {
            _objection = settings.Mode is CaptureMode.Auto or CaptureMode.Hooks or CaptureMode.Snapshot
                ? LiveSnapshot.Objection(places.Live, places.Scratch)
                : "it is not asked for";
            _triedSnapshots = true;
        }

        return _objection is null;
    }

    /// <summary>Deletes once, so that it can be done early.</summary>
    private sealed class Once(Action delete) : IDisposable
    {
        private Action? _delete = delete;

        public void Dispose() => Interlocked.Exchange(ref _delete, null)?.Invoke();
    }
}
