namespace ClusterFs.Archive.Log;

/// <summary>What stands in one slot of a service's log. Slots never change and their numbers are never used twice.</summary>
/// <param name="Slot">From 1, without gaps.</param>
/// <param name="Nonce">Made up by the writer; tells a retried success from a loss.</param>
/// <param name="At">Wall clock of the writer's node: for people only, decides nothing.</param>
public abstract record LogRecord(string Service, long Slot, string Nonce, long Epoch, string Node, DateTimeOffset At)
{
    /// <summary>For people: what happened, for whom this record was the end.</summary>
    public string Event => this is DumpRecord { Adopts: { } id } ? $"{id} was adopted" : $"{Node} claimed epoch {Epoch}";
}

/// <summary>A node took over with a new epoch. Whatever precedes the slot is what it builds on.</summary>
public sealed record ClaimRecord(string Service, long Slot, string Nonce, long Epoch, string Node, DateTimeOffset At)
    : LogRecord(Service, Slot, Nonce, Epoch, Node, At);

/// <summary>A restorable point of the live content, in the line.</summary>
public sealed record DumpRecord(string Service, long Slot, string Nonce, long Epoch, string Node, DateTimeOffset At, StoredContent Content)
    : LogRecord(Service, Slot, Nonce, Epoch, Node, At)
{
    /// <summary>
    /// The content kept outside the line that somebody made its head; null when the owner dumped its own. What the owner holds is not on top of it,
    /// so it ends the owner's epoch in the line as a claim would, in whose name it stands.
    /// </summary>
    public string? Adopts { get; init; }
}

/// <summary>
/// Dumps that can be restored no more: their content goes as far as nothing else refers to it. Stands in the line of the epoch that was the newest,
/// and ends it no more than a dump does.
/// </summary>
/// <param name="Pruned">Ranges of slots: the dumps in them are meant.</param>
public sealed record PruneRecord(
    string Service, long Slot, string Nonce, long Epoch, string Node, DateTimeOffset At, IReadOnlyList<SlotRange> Pruned)
    : LogRecord(Service, Slot, Nonce, Epoch, Node, At)
{
    public bool Prunes(long slot) => slot < Slot && Pruned.Any(range => range.Contains(slot));
}

/// <summary>Content of a node that is not in the line and was kept before anything overwrote it.</summary>
/// <param name="Id">Follows from node, epoch and content: keeping the same content twice makes one record.</param>
/// <param name="Epoch">The epoch the node held when the content was last the line's; 0 when it never was.</param>
/// <param name="BaseSlot">The dump the content derives from; null when it derives from none.</param>
/// <param name="Reason">For people.</param>
public sealed record DivergentRecord(
    string Service, string Id, long Epoch, string Node, DateTimeOffset At, long? BaseSlot, string Reason, StoredContent Content);

/// <summary>Where a dump's content lies, and how much it is.</summary>
/// <param name="Manifest">The list of files.</param>
/// <param name="Files">Number of regular files.</param>
/// <param name="Bytes">Their size, uncompressed.</param>
/// <param name="StoredBytes">What this dump added to the archive.</param>
/// <param name="Guarantee">In words: how the files were captured and what that guarantees.</param>
public sealed record StoredContent(ManifestLocation Manifest, long Files, long Bytes, long StoredBytes, string Guarantee);

/// <summary>Where a manifest lies.</summary>
/// <param name="Pack">Nonce of the pack file.</param>
/// <param name="Offset">First byte of its zstd frame.</param>
/// <param name="Length">Bytes of the frame.</param>
/// <param name="Size">Bytes of the manifest, uncompressed.</param>
/// <param name="Sha256">Of the uncompressed bytes; lower-case hexadecimal.</param>
public sealed record ManifestLocation(string Pack, long Offset, long Length, long Size, string Sha256);
