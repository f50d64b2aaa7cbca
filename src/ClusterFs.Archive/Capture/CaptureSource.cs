namespace ClusterFs.Archive.Capture;

/// <summary>A tree to be read for one dump. Disposed, it lets the service go and deletes what was made for it.</summary>
/// <param name="Mode">How its files are read.</param>
/// <param name="SeenAt">
/// What the file system's clock said before the moment that the tree shows, less what a write may take: what was changed since may change
/// again unseen.
/// </param>
internal sealed record CaptureSource(string Root, CaptureMode Mode, long SeenAt) : IDisposable
{
    /// <summary>What is true of all files, in words; null when each has a guarantee of its own.</summary>
    public string? Moment { get; init; }

    /// <summary>Why there is no better guarantee, in words.</summary>
    public string? Note { get; init; }

    /// <summary>The service stands still, or stood still when the snapshot was made.</summary>
    public Quiescence? Quiescence { get; init; }

    /// <summary>Whether the tree lies in a snapshot: its files are the service's no more.</summary>
    public bool IsSnapshot { get; init; }

    /// <summary>Deletes what was made for this dump.</summary>
    public IDisposable? Made { get; init; }

    /// <summary>
    /// What the live files looked like before a command wrote a copy, which is the tree: then the identities of the tree's files say nothing of
    /// the live ones. Null when the tree's files are the live ones.
    /// </summary>
    public LocalIndex.Writer? Live { get; init; }

    /// <summary>Whether the tree is a copy with files of its own.</summary>
    public bool IsCopy => Live is not null;

    /// <summary>A tree as it lies there.</summary>
    public static CaptureSource Of(string root, CaptureMode mode, FileSystemClock clock) => new(root, mode, clock.Now());

    /// <summary>All is read.</summary>
    /// <exception cref="LocalContentException">The service did not stand still for so long.</exception>
    public void EndReading()
    {
        Quiescence?.End();
        Made?.Dispose();
    }

    public void Dispose()
    {
        Quiescence?.Dispose();
        Made?.Dispose();
        Live?.Dispose();
    }
}
