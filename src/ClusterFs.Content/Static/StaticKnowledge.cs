using System.Collections.Immutable;
using System.Globalization;
using ClusterFs.Configuration;

namespace ClusterFs.Content.Static;

/// <summary>What a node knows of one static content, and what that means. Immutable.</summary>
/// <param name="Newest">As of the newest look.</param>
/// <param name="Prepared">What could be switched to.</param>
/// <param name="Switched">As of shared storage.</param>
/// <param name="Failed">What could not be prepared; 0 for nothing.</param>
/// <param name="Served">What the link leads to.</param>
/// <param name="SeenAt">Of the newest look that had an answer.</param>
/// <param name="LookingSince">Of the look that has had none yet.</param>
internal sealed record StaticKnowledge(
    Generation? Newest, Held? Prepared, long Switched, long Failed, Held? Served, long? SeenAt, long PreparedSince, long? LookingSince)
{
    private static readonly TimeSpan AwayAfter = TimeSpan.FromSeconds(5);

    /// <summary>What is prepared.</summary>
    public Generation? Ready { get; init; }

    /// <summary>The log that the number of what is served is of.</summary>
    public string? ServedLine { get; init; }

    /// <summary>What is remembered of what is served.</summary>
    public HeldRecord? Record { get; init; }

    public DateTimeOffset? ServedSince { get; init; }

    public ImmutableArray<string> Kept { get; init; } = [];

    /// <summary>Since the process began.</summary>
    public long Switches { get; init; }

    public string? Problem { get; init; }

    /// <summary>Why what is prepared is not served yet.</summary>
    public string? Waiting { get; init; }

    /// <summary>
    /// The number of what is served; 0 where it is of another log than a generation, or of what that log was before it was restored: then it has other
    /// files under the same number.
    /// </summary>
    public long CurrentIn(Generation generation) =>
        Served is { } served && ServedLine == generation.Line && (served.Number != generation.Number || served.IsOf(generation)) ? served.Number : 0;

    /// <summary>What was seen and is neither served nor ready; 0 where nothing was seen, because shared storage is away.</summary>
    public long FailedToPrepare =>
        this is { LookingSince: null, Newest: { } newest } && Served?.IsOf(newest) != true && Prepared?.IsOf(newest) != true ? newest.Number : Failed;

    /// <summary>In words, and as of now.</summary>
    /// <param name="refillWaitingSince">Of what a refill asked shared storage and has no answer to; null where it waits for none.</param>
    public StaticState Draw(string service, StaticSettings content, TimeProvider time, long? refillWaitingSince)
    {
        var current = Served?.Number ?? 0;
        var head = Newest?.Number ?? 0;
        var seenAgo = SeenAt is { } seen ? time.GetElapsedTime(seen) : (TimeSpan?)null;
        var hangs = (LookingSince ?? refillWaitingSince) is { } since && time.GetElapsedTime(since) is var waits && waits > AwayAfter ? waits : (TimeSpan?)null;
        var record = Record;
        var away = SeenAt is null || LookingSince is not null && Problem is not null;
        var (condition, reason) =
            hangs is { } waited ? (StaticCondition.Unknown, $"shared storage has not answered for {waited.TotalSeconds:0} s; {ServedOn(record)}")
            : away ? (StaticCondition.Unknown, Problem is { } why ? $"{why}; {ServedOn(record)}" : "nobody has looked yet")
            : Problem is { } problem ? (StaticCondition.Failed, problem)
            : head == 0 && current == 0 ? (StaticCondition.Empty, "nothing was published yet")
            : (Newest is { } newest ? head < CurrentIn(newest) : current > 0) ? (StaticCondition.Unknown, $"shared storage knows of no generation after {head}; is it the one that it was?")
            : Served == Prepared && Newest is { } head_ && Served?.IsOf(head_) == true ? (StaticCondition.Current, null)
            : (StaticCondition.Behind, $"generation {head} {(Prepared?.Number == head ? $"is ready, {Waiting ?? "about to be served"}" : "is being prepared")}");
        var (localBytes, sharedBytes) = Served?.Form switch
        {
            HeldForm.Copy => (record?.Bytes ?? 0, 0L),
            HeldForm.Part => (record?.LocalBytes ?? 0, (record?.Bytes ?? 0) - (record?.LocalBytes ?? 0)),
            HeldForm.Shared => (0L, record?.Bytes ?? 0),
            _ => (0L, 0L),
        };
        return new StaticState(
            service,
            content.Name,
            content.Path,
            condition,
            current,
            head,
            current == 0 ? null : ServedSince,
            record?.At,
            seenAgo,
            reason,
            localBytes,
            sharedBytes,
            Kept)
        {
            Switches = Switches,
        };
    }

    private static string ServedOn(HeldRecord? record) => record is null
        ? "what is here is served on"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"generation {record.Number} of {record.At.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z is served on{(record.LocalBytes < record.Bytes ? ", as far as it is copied here" : "")}");
}
