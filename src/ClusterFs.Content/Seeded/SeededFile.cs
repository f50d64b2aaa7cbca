using System.Collections.Immutable;
using ClusterFs.Archive.Capture;
using ClusterFs.Configuration;
using ClusterFs.Content.Placing;
using ClusterFs.Posix;

namespace ClusterFs.Content.Seeded;

/// <summary>One seeded file of one service on this node. Not for use by several threads.</summary>
/// <param name="reached">Called at points of the work, in tests.</param>
internal sealed class SeededFile(
    SeededSettings settings, string service, string node, SeedRecords records, TimeProvider time, Action<string> reached)
{
    private readonly StagingPlace _place = new(settings.Path);
    private readonly Settled<FileStatus, string> _found = new(time);
    private SeedRecord? _record;
    private bool _isDamaged;
    private bool _isOpen;
    private PlacedAttributes? _wanted;

    public SeededSettings Settings => settings;

    public string Service => service;

    /// <summary>What lies there, unless somebody changed it.</summary>
    public SeedOrigin? Last => _record?.Last;

    public bool ReloadDue => _record?.ReloadDue == true && settings.Reload is not null;

    /// <summary>What was kept aside and still is.</summary>
    public ImmutableArray<string> Kept => [.. _place.Kept];

    /// <summary>Reads what is remembered, and finishes what a crash cut short.</summary>
    /// <returns>What was kept aside by it.</returns>
    public IReadOnlyList<string> Open()
    {
        if (_isOpen)
        {
            return [];
        }

        _record = records.Find(settings.Path, out _isDamaged);
        IReadOnlyList<string> kept = [];
        if (_record?.Next is { } next)
        {
            // Before anything is written: a crash now must find the same again.
            var swapped = IsSwapped(_record.Last, next);
            kept = _place.KeepDisplaced([next.Digest, .. Known(_record.Last)]);
            Keep(_record with { Last = swapped ? next : _record.Last, Next = null, ReloadDue = swapped || _record.ReloadDue });
        }
        else if (_record is null)
        {
            // Where nothing is remembered, what was left may be somebody's own.
            kept = _place.KeepDisplaced([]);
            Keep(new SeedRecord(settings.Path, null, null, _isDamaged));
        }

        _place.Clear();
        _isOpen = true;
        return kept;
    }

    /// <summary>
    /// Whether a rendering that was cut short had come to its place. What is there tells, unless somebody has changed it since: then it had when it
    /// does not wait any more.
    /// </summary>
    private bool IsSwapped(SeedOrigin? last, SeedOrigin next) => Find() is { } found
        && (next.IsIn(found) || (last?.IsIn(found) != true && !_place.HoldsStaged(next.IsIn)));

    /// <summary>What is there now; read only where it may have changed.</summary>
    /// <exception cref="SeedException">Something else than a file is there.</exception>
    public FoundFile? Find()
    {
        if (FileStatus.TryRead(settings.Path) is not { } status)
        {
            return null;
        }

        if (status.Kind != FileKind.File)
        {
            throw new SeedException(status.Kind == FileKind.SymbolicLink
                ? $"{settings.Path}: is a symbolic link; name the file that it leads to"
                : $"{settings.Path}: is no regular file");
        }

        return new FoundFile(_found.Get(status, () => StagingPlace.DigestOf(settings.Path)), status.Mode, status.User, status.Group);
    }

    /// <summary>Owner, group and mode that the configuration asks for, as numbers.</summary>
    /// <param name="anew">Look names up that were looked up before; it may take as long as a directory service does.</param>
    /// <exception cref="SeedException">There is no such user or group here.</exception>
    /// <exception cref="IOException">Nobody can say.</exception>
    public PlacedAttributes Wanted(bool anew) => anew || _wanted is null ? _wanted = LookUp() : _wanted;

    private PlacedAttributes LookUp() => new(
        settings.Mode,
        settings.Owner is { } owner
            ? Accounts.FindUser(owner) ?? throw new SeedException($"{settings.Path}: there is no user {owner} on this node; make it, or change 'owner'")
            : null,
        settings.Group is { } group
            ? Accounts.FindGroup(group) ?? throw new SeedException($"{settings.Path}: there is no group {group} on this node; make it, or change 'group'")
            : null);

    /// <summary>Remembers that what is there is what should be.</summary>
    public void Adopt(Rendering rendering, PlacedAttributes wanted)
    {
        var reason = _record?.Last is { } last && last.Digest == rendering.Digest ? last.Reason : "it was there already";
        Keep(_record! with { Last = OriginOf(rendering, wanted, reason) });
    }

    /// <summary>Stages, checks and swaps in a rendering.</summary>
    /// <returns>What was kept aside.</returns>
    /// <exception cref="SeedException">The file is as it was.</exception>
    /// <exception cref="IOException">It cannot be written; the file is as it was, or whole and new.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be written; the file is as it was.</exception>
    public IReadOnlyList<string> Place(Rendering rendering, PlacedAttributes wanted, string reason, CancellationToken cancellation)
    {
        var like = CarriedAttributes.Of(settings.Path);
        try
        {
            _place.Stage(rendering.Content.Span, wanted, like);
            reached("staged");
            Check(rendering, cancellation);
            reached("checked");
            if (like is not null && CarriedAttributes.Of(settings.Path) is { } now && !like.IsSameAs(now))
            {
                throw new SeedException($"{settings.Path}: somebody has just changed its owner, mode or attributes; it is looked at again");
            }
        }
        catch
        {
            _place.Clear();
            throw;
        }

        var last = _record!.Last;
        Keep(_record with { Next = OriginOf(rendering, wanted, reason) });
        reached("intended");
        try
        {
            _place.Swap(like is not null);
            reached("swapped");
            var kept = _place.KeepDisplaced([rendering.Digest, .. Known(last)]);
            reached("kept");
            Keep(_record with { Last = _record.Next, Next = null, ReloadDue = settings.Reload is not null });
            reached("recorded");
            _place.Clear();
            return kept;
        }
        catch
        {
            // How far it came is seen by what lies there.
            _isOpen = false;
            throw;
        }
    }

    /// <summary>Remembers that whoever reads the file has been told.</summary>
    public void Reloaded()
    {
        reached("reloaded");
        Keep(_record! with { ReloadDue = false });
    }

    private void Check(Rendering rendering, CancellationToken cancellation)
    {
        if (settings.Check is not { } check)
        {
            return;
        }

        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["CLUSTERFS_SERVICE"] = service,
            ["CLUSTERFS_NODE"] = node,
            ["CLUSTERFS_FILE"] = settings.Path,
            ["CLUSTERFS_STAGED"] = _place.Staged,
        };
        var outcome = BoundedCommand.OfShell(check, "/", Guid.NewGuid().ToString("N"), environment).Run(settings.CheckTimeout, cancellation);
        if (!outcome.Succeeded)
        {
            throw new SeedException($"{settings.Path}: the check refused what was rendered, so the file stays as it was: {outcome.Words}");
        }

        if (FileStatus.TryRead(_place.Staged) is not { Kind: FileKind.File } || StagingPlace.DigestOf(_place.Staged) != rendering.Digest)
        {
            throw new SeedException($"{settings.Path}: the check changed the staged file, so the file stays as it was; a check must only read it");
        }
    }

    private SeedOrigin OriginOf(Rendering rendering, PlacedAttributes wanted, string reason) => new(
        rendering.Template, rendering.TemplateDigest, rendering.Values, rendering.Digest, wanted, time.GetUtcNow(), reason);

    private static ImmutableArray<string> Known(SeedOrigin? origin) => origin is null ? [] : [origin.Digest];

    private void Keep(SeedRecord record)
    {
        records.Keep(record);
        _record = record;
    }
}
