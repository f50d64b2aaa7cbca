using ClusterFs.Configuration;
using ClusterFs.Content.Placing;
using ClusterFs.Posix;

namespace ClusterFs.Content.Config;

/// <summary>How a check sees what is staged for the target's place.</summary>
internal enum StagedView
{
    /// <summary>Nothing is: the target stays as it is.</summary>
    Unchanged,

    /// <summary>Over what is there.</summary>
    Over,

    /// <summary>Where nothing is, or something else of another kind.</summary>
    New,
}

/// <summary>By what a program on this node reads its copy. Not for use by several threads, nor two of them on one file at once.</summary>
/// <param name="part">Of the target, where several write to it; null where one has it for itself.</param>
internal abstract class ConfigTarget(ConfigSettings settings, LocalVersions versions, string? part)
{
    protected ConfigSettings Settings => settings;

    protected LocalVersions Versions => versions;

    protected StagingPlace Place { get; } = new(settings.Target, part);

    public string Staged => Place.Staged;

    /// <summary>There is a staging place.</summary>
    public bool IsLeft => Place.IsLeft;

    /// <summary>What somebody had there and was kept aside, as long as it lies there.</summary>
    public IReadOnlyList<string> Kept => Place.Kept;

    public static ConfigTarget Of(ConfigSettings settings, string block, LocalVersions versions, TimeProvider time) => settings.Kind == ConfigKind.Include
        ? new IncludeTarget(settings, block, versions)
        : new PlacedTarget(settings, versions, time);

    /// <summary>How what is there differs from what was put there, in words; null when it does not.</summary>
    public abstract string? Drift(ConfigRecord record);

    /// <summary>Stages what a version needs to be in the target's place.</summary>
    /// <exception cref="PlacingException">It has no place there.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be written.</exception>
    public abstract StagedView Stage(string version, ConfigRecord record);

    /// <summary>Whether the target is still what it was when a version was staged for it: only then is it what was checked.</summary>
    public abstract bool IsAsStaged();

    /// <summary>What is staged, to tell whether somebody has changed it.</summary>
    public string StagedDigest => StagingPlace.DigestOf(Staged);

    /// <summary>Puts what is staged in its place.</summary>
    /// <returns>What is to be remembered.</returns>
    /// <exception cref="TargetChangedException">The target is not what it was when that was staged; it stays as it is.</exception>
    public abstract ConfigRecord Put(StagedView view, ConfigRecord record);

    /// <summary>Brings the target back to what it was with the active version, or without any.</summary>
    public abstract ConfigRecord Retreat(ConfigRecord record);

    /// <summary>Keeps aside what a crash left in the staging place, unless it is known.</summary>
    public abstract ConfigRecord Recover(ConfigRecord record);

    /// <summary>Deletes what was staged.</summary>
    public void Clear() => Place.Clear();

    /// <summary>What is in the target's place would be, by a diff: before and after, or null where it is no text.</summary>
    public abstract (byte[] Before, byte[] After)? Compare();

    /// <summary>Nothing is written, moved or deleted where somebody else could make it happen elsewhere.</summary>
    /// <exception cref="PlacingException">Somebody else may write there.</exception>
    public void RequireTrusted() => TrustedDirectory.RequireFor(settings.Target);

    /// <summary>A target that leads onto shared storage would be read by all nodes.</summary>
    public void RequireLocal(string shared)
    {
        var directory = System.IO.Path.GetDirectoryName(settings.Target)!;
        try
        {
            using var found = UnlockedFile.OpenDirectory(directory);
            using var root = UnlockedFile.OpenDirectory(shared);
            var (real, away) = (UnlockedFile.RealPath(found), UnlockedFile.RealPath(root));
            if ((real + "/").StartsWith(away.TrimEnd('/') + "/", StringComparison.Ordinal))
            {
                throw new ConfigException($"{settings.Target}: leads onto shared storage, {real}, where the source is; expected a place on a local disk");
            }
        }
        catch (FileNotFoundException)
        {
            // Said better by whoever stages, or shared storage is away.
        }
    }
}
