using System.Collections.Concurrent;
using ClusterFs.Configuration;
using ClusterFs.Content.Placing;
using ClusterFs.Posix;

namespace ClusterFs.Content.Config;

/// <summary>A file of the program's own configuration, in which a marked block includes the copy.</summary>
internal sealed class IncludeTarget(ConfigSettings settings, string name, LocalVersions versions) : ConfigTarget(settings, versions, name.Replace('/', '.'))
{
    private const long MostBytes = 4 << 20;

    /// <summary>By target: config files of several services may be included in one file, and each service has a thread of its own.</summary>
    private static readonly ConcurrentDictionary<string, Lock> Locks = new(StringComparer.Ordinal);

    private readonly Lock _lock = Locks.GetOrAdd(settings.Target, _ => new Lock());

    private readonly MarkedBlock _block = new(settings, name, versions.Path);
    private byte[]? _composedFrom;

    public override string? Drift(ConfigRecord record)
    {
        if (record.Active is null)
        {
            return null;
        }

        return Read() is { } file
            ? _block.DriftIn(file) is { } drift ? $"{Settings.Target}: {drift}" : null
            : $"{Settings.Target}: is gone, with the block that includes it";
    }

    public override StagedView Stage(string version, ConfigRecord record)
    {
        var file = Read();
        return StageContent(file, _block.PutInto(file ?? []));
    }

    public override ConfigRecord Put(StagedView view, ConfigRecord record)
    {
        if (view == StagedView.Unchanged)
        {
            return record;
        }

        lock (_lock)
        {
            if (!(Read() ?? []).AsSpan().SequenceEqual(_composedFrom ?? []))
            {
                throw new ConfigException($"{Settings.Target}: somebody has just changed it; it is looked at again");
            }

            Place.Swap(_composedFrom is not null);
            Place.KeepDisplaced(_composedFrom is not null && _block.IsEditedIn(_composedFrom) ? [] : Known(_composedFrom));
        }

        return record with { MadeTarget = record.MadeTarget || _composedFrom is null };
    }

    public override ConfigRecord Retreat(ConfigRecord record)
    {
        lock (_lock)
        {
            if (record.Active is not null || Read() is not { } file)
            {
                // It includes the path that every version has.
                return record;
            }

            var without = _block.TakeFrom(file);
            if (without.Length == 0 && record.MadeTarget)
            {
                Place.TakeAway(Known(file));
                return record with { MadeTarget = false };
            }

            return Put(StageContent(file, without), record);
        }
    }

    public override ConfigRecord Recover(ConfigRecord record)
    {
        // What it displaced is what is there now, but for the block; or what somebody wrote in that moment, which is kept.
        var known = new List<string> { ContentDigests.Of([]) };
        if (Read() is { } file && FileStatus.TryRead(Staged) is { Kind: FileKind.File, Size: <= MostBytes })
        {
            var staged = File.ReadAllBytes(Staged);
            if (!_block.IsEditedIn(staged) && _block.TakeFrom(staged).AsSpan().SequenceEqual(_block.TakeFrom(file)))
            {
                known.Add(ContentDigests.Of(staged));
            }
        }

        Place.KeepDisplaced(known);
        return record;
    }

    public override (byte[] Before, byte[] After)? Compare()
    {
        var file = Read() ?? [];
        return (file, _block.PutInto(file));
    }

    private static IReadOnlyCollection<string> Known(byte[]? content) => content is null ? [] : [ContentDigests.Of(content)];

    private StagedView StageContent(byte[]? file, byte[] content)
    {
        _composedFrom = file;
        if (file is not null && content.AsSpan().SequenceEqual(file))
        {
            return StagedView.Unchanged;
        }

        Place.Stage(content, PlacedAttributes.AsTheyAre, CarriedAttributes.Of(Settings.Target));
        return file is null ? StagedView.New : StagedView.Over;
    }

    private byte[]? Read()
    {
        if (FileStatus.TryRead(Settings.Target) is not { } status)
        {
            return null;
        }

        if (status.Kind != FileKind.File)
        {
            throw new ConfigException(status.Kind == FileKind.SymbolicLink
                ? $"{Settings.Target}: is a symbolic link; name the file that it leads to"
                : $"{Settings.Target}: is no regular file");
        }

        if (status.Size > MostBytes)
        {
            throw new ConfigException($"{Settings.Target}: has {status.Size} bytes, too many for a configuration");
        }

        using var file = UnlockedFile.OpenRead(Settings.Target);
        var content = new byte[RandomAccess.GetLength(file)];
        return content[..RandomAccess.Read(file, content, 0)];
    }
}
