using ClusterFs.Configuration;
using ClusterFs.Content.Placing;
using ClusterFs.Posix;

namespace ClusterFs.Content.Config;

/// <summary>A link to the copy, or another copy, where the program looks for it.</summary>
internal sealed class PlacedTarget(ConfigSettings settings, LocalVersions versions, TimeProvider time) : ConfigTarget(settings, versions, part: null)
{
    private readonly Settled<FileStatus, string> _file = new(time);
    private readonly Settled<TreeIdentity, string> _tree = new(time);
    private string? _stagedOver;

    private bool IsLink => Settings.Kind == ConfigKind.Link;

    /// <summary>Read only where it may have changed.</summary>
    private string? Found => FileStatus.TryRead(Settings.Target) switch
    {
        null => null,
        { Kind: FileKind.File } status => _file.Get(status, () => StagingPlace.DigestOf(Settings.Target)),
        { Kind: FileKind.Directory } => _tree.Get(
            Tree.Look(Path.GetDirectoryName(Settings.Target)!, Path.GetFileName(Settings.Target)), () => StagingPlace.DigestOf(Settings.Target)),
        _ => StagingPlace.DigestOf(Settings.Target),
    };

    private string LinkDigest => $"link to {Versions.Path}";

    public override string? Drift(ConfigRecord record)
    {
        if (record.Active is null)
        {
            return null;
        }

        var found = Found;
        return found is null ? $"{Settings.Target}: is gone"
            : found == (IsLink ? LinkDigest : record.Placed ?? WantedOf(record.Active)) ? null
            : IsLink ? $"{Settings.Target}: is not the link to the copy any more"
            : $"{Settings.Target}: was changed on this node";
    }

    public override StagedView Stage(string version, ConfigRecord record)
    {
        var (found, wanted) = (Found, WantedOf(version));
        _stagedOver = found;
        if (found == wanted)
        {
            return StagedView.Unchanged;
        }

        StageVersion(version);
        return FileStatus.TryRead(Settings.Target)?.Kind is { } kind && kind == FileStatus.TryRead(Staged)?.Kind && kind != FileKind.SymbolicLink
            ? StagedView.Over
            : StagedView.New;
    }

    public override bool IsAsStaged() => Found == _stagedOver;

    public override ConfigRecord Put(StagedView view, ConfigRecord record)
    {
        if (view == StagedView.Unchanged)
        {
            // What was there before the first version came, and only looks like it, is somebody's own: it stays when the version cannot.
            return record is { Active: null, UnderWay.WasThere: true } ? record : record with { Placed = Found };
        }

        if (!IsAsStaged())
        {
            throw new TargetChangedException(Settings.Target);
        }

        var wanted = StagedDigest;
        Place.Swap(FileStatus.TryRead(Settings.Target) is not null);
        return Remember(Place.KeepDisplaced(Known(record, wanted)), record) with { Placed = wanted };
    }

    public override ConfigRecord Retreat(ConfigRecord record)
    {
        if (record.Active is { } active)
        {
            return Put(Stage(active, record), record);
        }

        if (record.Original is { } original)
        {
            // Else it has been put back before a crash.
            if (FileStatus.TryRead(original) is not null)
            {
                Place.PutBack(original, Known(record, record.Placed));
            }
        }
        else if (record.Placed is { } placed)
        {
            Place.TakeAway([placed]);
        }

        return record with { Placed = null, Original = null };
    }

    public override ConfigRecord Recover(ConfigRecord record)
    {
        List<string> known = [.. Known(record, record.Placed)];
        if (record.UnderWay is { } underWay && Versions.IsWhole(underWay.Version))
        {
            known.Add(WantedOf(underWay.Version));
        }

        Place.KeepDisplaced(known);
        return Remember([.. Place.Kept.Except(record.UnderWay?.KeptBefore ?? [])], record);
    }

    public override (byte[] Before, byte[] After)? Compare() => null;

    private string WantedOf(string version) => IsLink ? LinkDigest : StagingPlace.DigestOf(Versions.ContentOf(version));

    private void StageVersion(string version)
    {
        var content = Versions.ContentOf(version);
        if (IsLink)
        {
            Place.StageLink(Versions.Path);
        }
        else if (FileStatus.TryRead(content) is { Kind: FileKind.File, Mode: var mode })
        {
            var like = FileStatus.TryRead(Settings.Target)?.Kind == FileKind.File ? CarriedAttributes.Of(Settings.Target) : null;
            Place.Stage(File.ReadAllBytes(content), PlacedAttributes.AsTheyAre with { Mode = like is null ? mode | 0x80 : null }, like);
        }
        else
        {
            Place.StageBy(staged => Tree.CopyForUse(Versions.DirectoryOf(version), Path.GetFileName(content), staged));
        }
    }

    private List<string> Known(ConfigRecord record, string? placed)
    {
        var known = new List<string>();
        foreach (var one in new[] { placed, record.Placed, IsLink ? LinkDigest : null, record.Active is { } active && Versions.IsWhole(active) ? WantedOf(active) : null })
        {
            if (one is not null)
            {
                known.Add(one);
            }
        }

        return known;
    }

    /// <summary>What lay there before the first version is put back if that one cannot stay.</summary>
    private static ConfigRecord Remember(IReadOnlyList<string> kept, ConfigRecord record) =>
        record.Active is null && kept.Count > 0 && (record.Original is not { } original || FileStatus.TryRead(original) is null)
            ? record with { Original = kept[0] }
            : record;
}
