namespace ClusterFs.Content.Logs.Links;

/// <summary>Where a service's logs go.</summary>
public enum LogsGo
{
    /// <summary>Not known yet, or not through the link: <see cref="LogLinkState.Problem"/> says why.</summary>
    Elsewhere,

    /// <summary>To shared storage.</summary>
    ToShared,

    /// <summary>To this node's disk, because shared storage is away.</summary>
    ToSpool,
}

/// <summary>How one link of this node is doing.</summary>
/// <param name="Link">Where it is.</param>
/// <param name="Since">When logs began to go there, by this node's clock; when the daemon started, where that was earlier.</param>
/// <param name="WaitingBytes">On this node's disk, to be moved to shared storage.</param>
/// <param name="StillOpen">Files that are copied and that some process still may write to.</param>
/// <param name="Problem">What somebody should look at; null when nothing.</param>
public sealed record LogLinkState(string Link, LogsGo Go, DateTimeOffset Since, long WaitingBytes, int StillOpen, string? Problem);
