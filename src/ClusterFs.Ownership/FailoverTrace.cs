using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace ClusterFs.Ownership;

/// <summary>
/// The parts of a change of ownership as spans of one trace. They come from several nodes, so the trace goes by what all of them know: the service
/// and the epoch. Where nobody listens, nothing is made. Thread-safe.
/// </summary>
public static class FailoverTrace
{
    /// <summary>Of the spans; what a listener asks for.</summary>
    public const string Name = "clusterfs.failover";

    private static readonly ActivitySource Source = new(Name);

    /// <summary>Whether somebody listens.</summary>
    public static bool IsOn => Source.HasListeners();

    /// <summary>A part that is over.</summary>
    /// <param name="part">fence, grant, restore or start.</param>
    /// <param name="node">Where it happened, or whom it was for.</param>
    /// <param name="from">By a wall clock, as is <paramref name="to"/>.</param>
    /// <param name="problem">Why it failed; null when it did not.</param>
    public static void Tell(
        string part, string service, long epoch, string node, DateTimeOffset from, DateTimeOffset to, string? cause = null, string? problem = null)
    {
        if (!IsOn)
        {
            return;
        }

        using var span = Source.StartActivity(
            part,
            ActivityKind.Internal,
            new ActivityContext(TraceOf(service, epoch), default, ActivityTraceFlags.Recorded),
            [
                new("clusterfs.service", service),
                new("clusterfs.epoch", epoch),
                new("clusterfs.node", node),
                .. cause is null ? [] : new KeyValuePair<string, object?>[] { new("clusterfs.cause", cause) },
            ],
            startTime: from);
        if (span is null)
        {
            return;
        }

        if (problem is not null)
        {
            span.SetStatus(ActivityStatusCode.Error, problem);
        }

        span.SetEndTime((to < from ? from : to).UtcDateTime);
    }

    /// <summary>The same on every node.</summary>
    public static ActivityTraceId TraceOf(string service, long epoch) => ActivityTraceId.CreateFromBytes(
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{service}/{epoch}"))).AsSpan(0, 16));
}
