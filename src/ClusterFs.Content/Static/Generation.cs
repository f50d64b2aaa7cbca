using ClusterFs.Archive.Log;

namespace ClusterFs.Content.Static;

/// <summary>Static content as it was published once. Never changes.</summary>
/// <param name="Number">Grows with every generation, and is never used twice; there may be gaps.</param>
/// <param name="At">Wall clock of the publishing node: for people only, decides nothing.</param>
/// <param name="Node">Where it was published.</param>
/// <param name="Content">Where its files are stored; a generation that repeats an older one has that one's.</param>
/// <param name="Line">
/// Names the log that it is in. Numbers are compared within one only: where a log begins anew (content renamed, or moved to another service, or its
/// directory deleted), its first generation is newer than whatever another log's number was.
/// </param>
public sealed record Generation(long Number, DateTimeOffset At, string Node, StoredContent Content, string Line)
{
    /// <summary>Names the files: the same for generations that have the same ones.</summary>
    public string Files => Content.Manifest.Pack;

    internal static Generation Of(DumpRecord record, string line) => new(record.Epoch, record.At, record.Node, record.Content, line);
}

/// <summary>What lies on shared storage, as of a look.</summary>
/// <param name="Newest">The generation that is to be served; null when nothing was published.</param>
/// <param name="Switched">The newest of its line that nodes are known to have switched to together; 0 when there is none.</param>
public sealed record StaticSight(Generation? Newest, long Switched);

/// <summary>How far a publication has come.</summary>
/// <param name="Step">In words.</param>
public sealed record PublishProgress(string Step, long Files, long TotalFiles, long Bytes, long TotalBytes);

/// <summary>What became of a publication.</summary>
/// <param name="Generation">The one that has the directory's content.</param>
/// <param name="IsNew">False when the newest generation had it already.</param>
/// <param name="Changed">How many files, directories and links are not as they were in the generation before, or are gone.</param>
/// <param name="Warnings">What somebody should look at.</param>
public sealed record PublishResult(Generation Generation, bool IsNew, long Changed, IReadOnlyList<string> Warnings);

/// <summary>A directory cannot be published, or a generation not be served, as it is. One line that says why.</summary>
public sealed class StaticException : IOException
{
    public StaticException(string message)
        : base(message)
    {
    }

    public StaticException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
