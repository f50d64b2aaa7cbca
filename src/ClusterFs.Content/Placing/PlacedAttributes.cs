namespace ClusterFs.Content.Placing;

/// <summary>What lies in the place of a file that is looked after.</summary>
internal sealed record FoundFile(string Digest, uint Mode, uint User, uint Group);

/// <summary>Owner, group and mode as they were asked for; null where the file's own stay.</summary>
internal sealed record PlacedAttributes(uint? Mode, uint? User, uint? Group)
{
    /// <summary>Those that the file has that is replaced.</summary>
    public static PlacedAttributes AsTheyAre { get; } = new(null, null, null);

    /// <summary>Whether a file has others than these.</summary>
    public bool DifferFrom(FoundFile found) =>
        (Mode is { } mode && mode != found.Mode) || (User is { } user && user != found.User) || (Group is { } group && group != found.Group);
}
