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
            ? _block.DriftIn(file.Content) is { } drift ? $"{Settings.Target}: {drift}" : null
            : $"{Settings.Target}: is gone, with the block that includes it";
    }

    public override StagedView Stage(string version, ConfigRecord record)
    {
        var file = Read();
        return StageContent(file, _block.PutInto(file?.Content ?? []));
    }

    public override bool IsAsStaged() => Read()?.Content is var now && (now is null) == (_composedFrom is null) && (now ?? []).AsSpan().SequenceEqual(_composedFrom);

    public override ConfigRecord Put(StagedView view, ConfigRecord record)
    {
        if (view == StagedView.Unchanged)
        {
            return record;
        }

        lock (_lock)
        {
            if (!IsAsStaged())
            {
                throw new TargetChangedException(Settings.Target);
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

            var without = _block.TakeFrom(file.Content);
            if (without.Length == 0 && record.MadeTarget)
            {
                Place.TakeAway(_block.IsEditedIn(file.Content) ? [] : Known(file.Content));
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
            if (IsSameButForTheBlock(staged, file.Content))
            {
                known.Add(ContentDigests.Of(staged));
            }
        }

        Place.KeepDisplaced(known);
        return record;
    }

    public override (byte[] Before, byte[] After)? Compare()
    {
        var file = Read()?.Content ?? [];
        return (file, _block.PutInto(file));
    }

    private bool IsSameButForTheBlock(byte[] staged, byte[] file)
    {
        try
        {
            return !_block.IsEditedIn(staged) && _block.TakeFrom(staged).AsSpan().SequenceEqual(_block.TakeFrom(file));
        }
        catch (ConfigException)
        {
            // With a damaged block, nobody can tell.
            return false;
        }
    }

    private static IReadOnlyCollection<string> Known(byte[]? content) => content is null ? [] : [ContentDigests.Of(content)];

    private StagedView StageContent(Including? file, byte[] content)
    {
        _composedFrom = file?.Content;
        if (file is not null && content.AsSpan().SequenceEqual(file.Content))
        {
            return StagedView.Unchanged;
        }

        Place.Stage(content, PlacedAttributes.AsTheyAre, file?.Attributes);
        return file is null ? StagedView.New : StagedView.Over;
    }

    /// <summary>
    /// All of it by one open file: somebody who may write to its directory could else have one file looked at, another one read, with the attributes of
    /// a third. A link is not followed, a pipe not waited for, and a file with a second name may be one that its owner could never read.
    /// </summary>
    private Including? Read()
    {
        if (FileStatus.TryRead(Settings.Target) is not { } found)
        {
            return null;
        }

        if (found.Kind != FileKind.File)
        {
            throw new ConfigException(found.Kind == FileKind.SymbolicLink
                ? $"{Settings.Target}: is a symbolic link; name the file that it leads to"
                : $"{Settings.Target}: is no regular file");
        }

        using var file = PlainFile.OpenRead(Settings.Target);
        var status = FileStatus.Read(file);
        if (status.Kind != FileKind.File)
        {
            throw new ConfigException($"{Settings.Target}: is no regular file");
        }

        if (status.Links != 1)
        {
            throw new ConfigException($"{Settings.Target}: has {status.Links} names (hard links), and the others would stay without the block; make it a file of its own");
        }

        if (status.Size > MostBytes)
        {
            throw new ConfigException($"{Settings.Target}: has {status.Size} bytes, too many for a configuration");
        }

        var content = new byte[status.Size];
        return new Including(content[..RandomAccess.Read(file, content, 0)], CarriedAttributes.Of(file));
    }

    /// <summary>The file that the block is in, as it was read.</summary>
    private sealed record Including(byte[] Content, CarriedAttributes Attributes);
}
