using System.Globalization;
using System.Text.Json;
using ClusterFs.Content.Placing;
using ClusterFs.Posix;

namespace ClusterFs.Content.Config;

/// <summary>
/// A node's own copies of one config file, in its state directory: whole versions, named by what is in them, a link to the one in use, and what is
/// remembered of them. A program reads through the link, which one rename turns to another version.
/// </summary>
/// <param name="name">Of the copies, whatever the source is called: a block or a link names it, and has to be right for the version before, too.</param>
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

    /// <summary>The newest copy of a version: where somebody has changed one that is in use, there is another one beside it.</summary>
    public string DirectoryOf(string? version) => System.IO.Path.Combine(All, NewestOf(version ?? None).Name);

    public string ContentOf(string version) => System.IO.Path.Combine(DirectoryOf(version), name);

    /// <exception cref="IOException">The state directory cannot be read or written.</exception>
    public ConfigRecord Open()
    {
        Durable.CreateDirectory(System.IO.Path.Combine(All, None));
        var record = ReadRecord();
        if (FileStatus.TryRead(Current) is null)
        {
            Turn(record.Active is { } active && IsWhole(active) ? active : null);
        }

        return record;
    }

    public void Keep(ConfigRecord record) => Durable.Replace(Record, JsonSerializer.SerializeToUtf8Bytes(record, ConfigJson.Default.ConfigRecord));

    /// <summary>Turns the link: in one step, durably.</summary>
    public void Turn(string? version) => TurnTo(LinkOf(NewestOf(version ?? None).Name));

    /// <summary>Turns the link to where it led.</summary>
    /// <param name="link">What <see cref="Link"/> was.</param>
    public void TurnTo(string link)
    {
        var next = System.IO.Path.Combine(directory, ".current");
        File.Delete(next);
        File.CreateSymbolicLink(next, link);
        Durable.Rename(next, Current);
        Durable.SyncDirectory(directory);
    }

    /// <summary>Where the link leads, as it was written; null when there is none.</summary>
    public string? Link => new FileInfo(Current).LinkTarget;

    /// <summary>Whether it leads to a copy of this version, changed or not.</summary>
    public bool IsTurnedTo(string version) => Link is { } link && link == LinkOf(System.IO.Path.GetFileName(link)) && VersionOf(System.IO.Path.GetFileName(link)) == version;

    /// <summary>Whether it leads to where <see cref="Turn"/> would turn it.</summary>
    public bool IsTurnedToNewest(string version) => Link == LinkOf(NewestOf(version).Name);

    /// <summary>Whether a version is here, as it should be.</summary>
    public bool IsWhole(string version) => IsWholeAt(DirectoryOf(version), version);

    private bool IsWholeAt(string path, string version)
    {
        try
        {
            return Tree.VersionOf(path, name) == version;
        }
        catch (Exception problem) when (problem is IOException or PlacingException)
        {
            return false;
        }
    }

    /// <summary>The same of the one that the link leads to, which is read only when its identity has changed.</summary>
    public bool IsActiveWhole(string version)
    {
        try
        {
            var identity = Tree.Look(Current, name);
            return _active.Get(identity, () => Tree.VersionOf(Current, name)) == version;
        }
        catch (Exception problem) when (problem is IOException or PlacingException)
        {
            return false;
        }
    }

    /// <summary>
    /// Copies a version here, unless it is here. Nothing that is here is touched: where somebody has changed a copy, a program may be reading it, and
    /// the new one has not been checked.
    /// </summary>
    /// <param name="root">What it is copied from.</param>
    /// <exception cref="ConfigException">What was copied is another version.</exception>
    /// <exception cref="IOException">It cannot be copied.</exception>
    public void Fetch(string version, string root)
    {
        if (IsWhole(version))
        {
            return;
        }

        Remove(Fetched);
        Directory.CreateDirectory(Fetched);
        Tree.CopyVersion(root, name, System.IO.Path.Combine(Fetched, name));
        if (Tree.VersionOf(Fetched, name) is var copied && copied != version)
        {
            Remove(Fetched);
            throw new ConfigException($"{System.IO.Path.Combine(root, name)}: holds version {Short(copied)} instead of {Short(version)}: somebody changed it");
        }

        Durable.SyncDirectory(Fetched);
        for (var number = NewestOf(version).Number + 1; !Durable.TryRenameToFree(Fetched, System.IO.Path.Combine(All, NameOf(version, number))); number++)
        {
            // Somebody has just made one of this name.
        }

        Durable.SyncDirectory(All);
    }

    /// <summary>
    /// Deletes all copies that are not in use, but for the newest of some versions. What somebody has changed is kept aside. Nothing is deleted under
    /// its name: a crash in the middle would leave what looks changed.
    /// </summary>
    public void Prune(params string?[] stay)
    {
        var inUse = Link is { } link ? System.IO.Path.GetFileName(link) : None;
        foreach (var path in Directory.EnumerateDirectories(All))
        {
            var copy = System.IO.Path.GetFileName(path);
            var version = VersionOf(copy);
            if (copy == None || copy == inUse)
            {
                continue;
            }

            if (!IsWholeAt(path, version))
            {
                KeepAside(path);
            }
            else if (!stay.Contains(version) || NewestOf(version).Name != copy)
            {
                Remove(Fetched);
                Durable.Rename(path, Fetched);
            }
        }

        Remove(Fetched);
    }

    private string Fetched => System.IO.Path.Combine(directory, ".fetched");

    private void KeepAside(string path)
    {
        for (var number = 1; !Durable.TryRenameToFree(path, System.IO.Path.Combine(directory, EditedPrefix + number.ToString(CultureInfo.InvariantCulture))); number++)
        {
            // The next number.
        }

        Durable.SyncDirectory(directory);
        Durable.SyncDirectory(All);
    }

    private ConfigRecord ReadRecord()
    {
        try
        {
            if (JsonSerializer.Deserialize(File.ReadAllBytes(Record), ConfigJson.Default.ConfigRecord) is { Format: ConfigRecord.CurrentFormat } record)
            {
                return record;
            }
        }
        catch (Exception problem) when (problem is FileNotFoundException or JsonException)
        {
            // What is in use is seen by the link.
        }

        var link = Link is { } to ? VersionOf(System.IO.Path.GetFileName(to)) : None;
        return ConfigRecord.Nothing with { Active = link == None || !IsWhole(link) ? null : link };
    }

    private static string LinkOf(string copy) => System.IO.Path.Combine("versions", copy);

    private static string NameOf(string version, int number) => number < 2 ? version : $"{version}-{number.ToString(CultureInfo.InvariantCulture)}";

    private static string VersionOf(string copy) => copy.Split('-')[0];

    private static int NumberOf(string copy) =>
        copy.Split('-') is [_, var digits] && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 1;

    /// <returns>Its number is 0 while there is none; its name, what the first one would have.</returns>
    private (string Name, int Number) NewestOf(string version) => Directory.Exists(All)
        ? Directory.EnumerateDirectories(All, version + "*").Select(path => System.IO.Path.GetFileName(path)!)
            .Where(copy => VersionOf(copy) == version)
            .Select(copy => (copy, NumberOf(copy)))
            .OrderByDescending(copy => copy.Item2)
            .FirstOrDefault((version, 0))
        : (version, 0);

    public static string Short(string? version) => version is null ? "none" : version[..Math.Min(12, version.Length)];

    private static void Remove(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }
}
