using System.Globalization;
using System.Text.Json;
using ClusterFs.Content.Placing;
using ClusterFs.Posix;

namespace ClusterFs.Content.Config;

/// <summary>
/// A node's own copies of one config file, in its state directory: whole versions, named by what is in them, a link to the one in use, and what is
/// remembered of them. A program reads through the link, which one rename turns to another version.
/// </summary>
/// <param name="name">The last part of the source's path.</param>
internal sealed class LocalVersions(string directory, string name, TimeProvider time)
{
    private const string None = "none";
    private const string EditedPrefix = "edited-";

    private readonly Settled<TreeIdentity, string> _active = new(time);

    /// <summary>What programs read: the same path for every version.</summary>
    public string Path => System.IO.Path.Combine(Current, name);

    /// <summary>Leads to the version in use, or to an empty directory.</summary>
    public string Current => System.IO.Path.Combine(directory, "current");

    /// <summary>Whatever somebody changed in a copy and was kept aside.</summary>
    public IReadOnlyList<string> Kept
    {
        get
        {
            try
            {
                return Directory.Exists(directory)
                    ? [.. Directory.EnumerateDirectories(directory, EditedPrefix + "*").Order(StringComparer.Ordinal)]
                    : [];
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                return [];
            }
        }
    }

    private string All => System.IO.Path.Combine(directory, "versions");

    private string Record => System.IO.Path.Combine(directory, "record.json");

    public string DirectoryOf(string? version) => System.IO.Path.Combine(All, version ?? None);

    public string ContentOf(string version) => System.IO.Path.Combine(DirectoryOf(version), name);

    /// <exception cref="IOException">The state directory cannot be read or written.</exception>
    public ConfigRecord Open()
    {
        Durable.CreateDirectory(DirectoryOf(null));
        if (FileStatus.TryRead(Current) is null)
        {
            Turn(null);
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Record), ConfigJson.Default.ConfigRecord) is { Format: ConfigRecord.CurrentFormat } record
                ? record
                : ConfigRecord.Nothing;
        }
        catch (Exception problem) when (problem is FileNotFoundException or JsonException)
        {
            // What is in use is seen by the link.
            var link = new FileInfo(Current).LinkTarget is { } to ? System.IO.Path.GetFileName(to) : None;
            return ConfigRecord.Nothing with { Active = link == None || !IsWhole(link) ? null : link };
        }
    }

    public void Keep(ConfigRecord record) => Durable.Replace(Record, JsonSerializer.SerializeToUtf8Bytes(record, ConfigJson.Default.ConfigRecord));

    /// <summary>Turns the link: in one step, durably.</summary>
    public void Turn(string? version)
    {
        var next = System.IO.Path.Combine(directory, ".current");
        File.Delete(next);
        File.CreateSymbolicLink(next, System.IO.Path.Combine("versions", version ?? None));
        Durable.Rename(next, Current);
        Durable.SyncDirectory(directory);
    }

    public bool IsTurnedTo(string? version) => new FileInfo(Current).LinkTarget == System.IO.Path.Combine("versions", version ?? None);

    /// <summary>Whether a version is here, as it should be.</summary>
    public bool IsWhole(string version)
    {
        try
        {
            return Tree.VersionOf(DirectoryOf(version), name) == version;
        }
        catch (Exception problem) when (problem is IOException or PlacingException)
        {
            return false;
        }
    }

    /// <summary>The same of the version in use, which is read only when its identity has changed.</summary>
    public bool IsActiveWhole(string version)
    {
        try
        {
            var identity = Tree.Look(DirectoryOf(version), name);
            return _active.Get(identity, () => Tree.VersionOf(DirectoryOf(version), name)) == version;
        }
        catch (Exception problem) when (problem is IOException or PlacingException)
        {
            return false;
        }
    }

    /// <summary>Copies a version here, unless it is here; one that somebody has changed is kept aside.</summary>
    /// <param name="root">What it is copied from.</param>
    /// <returns>Where the changed one was kept; null when there was none.</returns>
    /// <exception cref="ConfigException">What was copied is another version.</exception>
    /// <exception cref="IOException">It cannot be copied.</exception>
    public string? Fetch(string version, string root)
    {
        if (IsWhole(version))
        {
            return null;
        }

        var temporary = System.IO.Path.Combine(directory, ".fetched");
        Remove(temporary);
        Directory.CreateDirectory(temporary);
        Tree.CopyVersion(root, name, temporary);
        if (Tree.VersionOf(temporary, name) is var copied && copied != version)
        {
            Remove(temporary);
            throw new ConfigException($"{System.IO.Path.Combine(root, name)}: holds version {Short(copied)} instead of {Short(version)}: somebody changed it");
        }

        Durable.SyncDirectory(temporary);
        if (Durable.TryRenameToFree(temporary, DirectoryOf(version)))
        {
            Durable.SyncDirectory(All);
            return null;
        }

        if (!Durable.TryExchange(temporary, DirectoryOf(version)))
        {
            throw new ConfigException($"{DirectoryOf(version)}: somebody changed it, and this file system cannot exchange directories; move it away");
        }

        Durable.SyncDirectory(All);
        for (var number = 1; ; number++)
        {
            var kept = System.IO.Path.Combine(directory, EditedPrefix + number.ToString(CultureInfo.InvariantCulture));
            if (Durable.TryRenameToFree(temporary, kept))
            {
                Durable.SyncDirectory(directory);
                return kept;
            }
        }
    }

    /// <summary>Deletes all versions but some; those that somebody has changed stay.</summary>
    public void Prune(params string?[] stay)
    {
        foreach (var path in Directory.EnumerateDirectories(All))
        {
            var version = System.IO.Path.GetFileName(path);
            if (version != None && !stay.Contains(version) && IsWhole(version))
            {
                Remove(path);
            }
        }

        Remove(System.IO.Path.Combine(directory, ".fetched"));
    }

    public static string Short(string? version) => version is null ? "none" : version[..Math.Min(12, version.Length)];

    private static void Remove(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }
}
