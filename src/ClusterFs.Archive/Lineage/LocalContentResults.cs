using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Lineage;

/// <summary>What a node starts its service on.</summary>
public enum ContentBasis
{
    /// <summary>Local content, proven by lineage to be at least as new as the head of the line.</summary>
    KeptByLineage,

    /// <summary>Local content, equal to the head of the line.</summary>
    EqualToHead,

    /// <summary>The head of the line, restored.</summary>
    Restored,

    /// <summary>Existing data that becomes the line's first content.</summary>
    Adopted,

    /// <summary>Nothing: the line has no dump yet.</summary>
    Empty,
}

/// <summary>Outcome of <see cref="LocalContent.TakeOver"/>.</summary>
public abstract record TakeOverResult
{
    private TakeOverResult()
    {
    }

    /// <summary>The epoch is claimed and the content is ready to be written.</summary>
    /// <param name="Head">The newest dump before the claim; null when there is none.</param>
    /// <param name="Kept">What was kept outside the line before it was replaced; null when nothing had to be.</param>
    /// <param name="Explanation">For people.</param>
    public sealed record Ready(ClaimRecord Claim, ContentBasis Basis, DumpRecord? Head, DivergentRecord? Kept, string Explanation) : TakeOverResult;

    /// <summary>A higher epoch has claimed, or content was adopted after the claim: this one is finished for good.</summary>
    public sealed record Superseded(LogRecord By) : TakeOverResult;
}

/// <summary>Outcome of <see cref="LocalContent.Dump"/>.</summary>
public abstract record DumpResult
{
    private DumpResult()
    {
    }

    /// <summary>The dump is in the line, durable and read back.</summary>
    /// <param name="Duration">From the call to the commit.</param>
    public sealed record Committed(DumpRecord Record, TimeSpan Duration) : DumpResult
    {
        /// <summary>What the dump added to the archive.</summary>
        public long StoredBytes => Record.Content.StoredBytes;

        /// <summary>In words: how the files were captured and what that guarantees.</summary>
        public string Guarantee => Record.Content.Guarantee;
    }

    /// <summary>The line's newest dump is what the live content is; nothing was written.</summary>
    /// <param name="Last">That dump.</param>
    public sealed record Unchanged(DumpRecord Last) : DumpResult;

    /// <summary>A higher epoch has claimed, or content was adopted. What could not be committed is kept by <see cref="LocalContent.KeepDivergent"/>.</summary>
    public sealed record Superseded(LogRecord By) : DumpResult;
}

/// <summary>Outcome of <see cref="LocalContent.Follow"/>.</summary>
public abstract record FollowResult
{
    private FollowResult()
    {
    }

    /// <summary>The standby copy is the newest dump, whole and durable; before, it was an older one, or there was none.</summary>
    /// <param name="Duration">From the call.</param>
    /// <param name="FetchedBytes">Read from the archive, compressed as they lie there.</param>
    public sealed record Followed(DumpRecord Dump, TimeSpan Duration, long FetchedBytes) : FollowResult;

    /// <summary>The standby copy was the newest dump already.</summary>
    public sealed record UpToDate(DumpRecord Dump) : FollowResult;

    /// <summary>There is nothing that a copy would be good for.</summary>
    /// <param name="Why">For people.</param>
    public sealed record NotNeeded(string Why) : FollowResult;
}

/// <summary>What would be lost if the node died now.</summary>
/// <param name="Changed">Whether anything differs from the last dump.</param>
/// <param name="Files">Files that were changed or are new.</param>
/// <param name="Bytes">Their size, not the size of the changes; of a database in WAL mode, that of its log if only that has grown.</param>
public sealed record RiskEstimate(bool Changed, long Files, long Bytes);

/// <summary>Clones that are kept of the large files of a dump, on file systems that share blocks between files.</summary>
/// <param name="Bytes">The room that they take at most, should everything be written over.</param>
/// <param name="WhyNot">Why some file of the newest dump has none, though the file system could; null when nothing is wrong.</param>
public sealed record KeptFigures(int Files, long Bytes, string? WhyNot);
