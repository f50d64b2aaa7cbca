using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Guard.Transport;

/// <summary>The voter's messages to and from the wire. What a peer sends is checked here: a bad field is an error, never a default.</summary>
internal static class VoterMapping
{
    private static readonly TimeSpan LongestTtl = TimeSpan.FromHours(1);

    public static RenewBatch ToWire(string node, IReadOnlyList<Renew> renewals)
    {
        var batch = new RenewBatch
        {
            Node = node,
            BootId = renewals[0].Round.BootId,
            Incarnation = renewals[0].Round.Incarnation.ToString("N"),
        };
        foreach (var renew in renewals)
        {
            batch.Items.Add(new RenewItem
            {
                Service = renew.Service,
                Epoch = renew.Epoch,
                TtlMs = (long)Math.Ceiling(renew.Ttl.TotalMilliseconds),
                Round = renew.Round.Number,
            });
        }

        return batch;
    }

    /// <exception cref="FormatException">The message is not one that a guard sends.</exception>
    public static IReadOnlyList<Renew> FromWire(RenewBatch batch)
    {
        var incarnation = ToGuid(batch.Incarnation);
        var node = Named(batch.Node);
        var bootId = Named(batch.BootId);
        return
        [
            .. batch.Items.Select(item => new Renew(
                Named(item.Service), Positive(item.Epoch), node, ToTtl(item.TtlMs), new RoundId(bootId, incarnation, item.Round))),
        ];
    }

    public static RenewItemReply ToWire(RenewReply reply) => new()
    {
        Service = reply.Service,
        Epoch = reply.Epoch,
        Round = reply.Round.Number,
        Result = reply.Outcome switch
        {
            RenewOutcome.Acked => RenewResult.Acked,
            RenewOutcome.BelowFloor => RenewResult.BelowFloor,
            RenewOutcome.Promised => RenewResult.Promised,
            _ => RenewResult.Abstained,
        },
        Floor = ToWire(reply.Floor),
    };

    /// <exception cref="FormatException">The message is not one that a voter sends.</exception>
    public static IReadOnlyList<RenewReply> FromWire(RenewBatchReply batch)
    {
        var incarnation = ToGuid(batch.Incarnation);
        return
        [
            .. batch.Items.Select(item => new RenewReply(
                item.Service, batch.Voter, item.Epoch, batch.Node, new RoundId(batch.BootId, incarnation, item.Round), FromWire(item.Result),
                FromWire(item.Floor))),
        ];
    }

    public static ProbeMessage ToWire(Probe probe) => new() { Service = probe.Service, Nonce = probe.Nonce.ToString("N") };

    public static Probe FromWire(ProbeMessage message) => new(Named(message.Service), ToGuid(message.Nonce));

    public static ProbeMessageReply ToWire(ProbeReply reply) => new()
    {
        Voter = reply.Voter,
        Identity = reply.Identity.ToString("N"),
        Nonce = reply.Nonce.ToString("N"),
        Abstains = reply.Abstains,
        Floor = ToWire(reply.Floor),
        RemainingNs = ToNanoseconds(reply.Remaining),
    };

    /// <exception cref="FormatException">The message does not answer these probes.</exception>
    public static IReadOnlyList<ProbeReply> FromWire(IReadOnlyList<Probe> probes, ProbeBatchReply batch) =>
        batch.Items.Count == probes.Count
            ? [.. probes.Zip(batch.Items, (probe, reply) => FromWire(probe.Service, reply))]
            : throw new FormatException($"{batch.Items.Count} answers to {probes.Count} probes");

    private static ProbeReply FromWire(string service, ProbeMessageReply reply) => new(
        service, reply.Voter, ToGuid(reply.Identity), ToGuid(reply.Nonce), reply.Abstains, FromWire(reply.Floor),
        FromNanoseconds(reply.RemainingNs));

    public static FenceMessage ToWire(Fence fence) => new()
    {
        Service = fence.Service,
        Epoch = fence.Epoch,
        OverPromises = fence.OverPromises,
        Nonce = fence.Nonce.ToString("N"),
    };

    public static Fence FromWire(FenceMessage message) =>
        new(Named(message.Service), Positive(message.Epoch), message.OverPromises, ToGuid(message.Nonce));

    public static FenceMessageReply ToWire(FenceReply reply) => new()
    {
        Voter = reply.Voter,
        Identity = reply.Identity.ToString("N"),
        Nonce = reply.Nonce.ToString("N"),
        Epoch = reply.Epoch,
        Result = reply.Outcome switch
        {
            FenceOutcome.Raised => FenceResult.Raised,
            FenceOutcome.BelowFloor => FenceResult.BelowFloor,
            FenceOutcome.Promised => FenceResult.Promised,
            _ => FenceResult.Abstained,
        },
        Floor = ToWire(reply.Floor),
        RemainingNs = ToNanoseconds(reply.Remaining),
    };

    public static FenceReply FromWire(string service, FenceMessageReply reply) => new(
        service,
        reply.Voter,
        ToGuid(reply.Identity),
        ToGuid(reply.Nonce),
        reply.Epoch,
        reply.Result switch
        {
            FenceResult.Raised => FenceOutcome.Raised,
            FenceResult.BelowFloor => FenceOutcome.BelowFloor,
            FenceResult.Promised => FenceOutcome.Promised,
            FenceResult.Abstained => FenceOutcome.Abstained,
            _ => throw new FormatException($"unknown outcome {reply.Result}"),
        },
        FromWire(reply.Floor),
        FromNanoseconds(reply.RemainingNs));

    public static JoinMessage ToWire(Join join) => new()
    {
        Service = join.Service,
        Identity = join.Identity.ToString("N"),
        Floor = ToWire(join.Floor),
        LongestTtlMs = (long)Math.Ceiling(join.LongestTtl.TotalMilliseconds),
    };

    public static Join FromWire(JoinMessage message) =>
        new(Named(message.Service), ToGuid(message.Identity), FromWire(message.Floor), ToTtl(message.LongestTtlMs));

    public static JoinMessageReply ToWire(JoinReply reply) =>
        new() { Voter = reply.Voter, Identity = reply.Identity.ToString("N"), Joined = reply.Joined };

    public static JoinReply FromWire(string service, JoinMessageReply reply) =>
        new(service, reply.Voter, ToGuid(reply.Identity), reply.Joined);

    public static ReleaseBatch ToWire(string node, IReadOnlyList<Release> releases)
    {
        var batch = new ReleaseBatch { Node = node };
        batch.Items.AddRange(releases.Select(release => new ReleaseItem { Service = release.Service, Epoch = release.Epoch }));
        return batch;
    }

    public static IReadOnlyList<Release> FromWire(ReleaseBatch batch)
    {
        var node = Named(batch.Node);
        return [.. batch.Items.Select(item => new Release(Named(item.Service), Positive(item.Epoch), node))];
    }

    private static RenewOutcome FromWire(RenewResult result) => result switch
    {
        RenewResult.Acked => RenewOutcome.Acked,
        RenewResult.BelowFloor => RenewOutcome.BelowFloor,
        RenewResult.Promised => RenewOutcome.Promised,
        RenewResult.Abstained => RenewOutcome.Abstained,
        _ => throw new FormatException($"unknown outcome {result}"),
    };

    private static FloorMessage ToWire(Binding floor)
    {
        var message = new FloorMessage { Epoch = floor.Epoch };
        if (floor.Node is { } node)
        {
            message.Node = node;
        }

        return message;
    }

    private static Binding FromWire(FloorMessage? floor) =>
        floor is null ? throw new FormatException("no floor") : new Binding(floor.Epoch, floor.HasNode ? floor.Node : null);

    private static Guid ToGuid(string text) => Guid.TryParseExact(text, "N", out var value) ? value : throw new FormatException($"no id: '{text}'");

    private static string Named(string name) => name.Length is > 0 and <= 256 ? name : throw new FormatException("a name is empty or too long");

    private static long Positive(long epoch) => epoch > 0 ? epoch : throw new FormatException($"no epoch: {epoch}");

    private static TimeSpan ToTtl(long milliseconds) =>
        milliseconds >= 0 && TimeSpan.FromMilliseconds(milliseconds) <= LongestTtl
            ? TimeSpan.FromMilliseconds(milliseconds)
            : throw new FormatException($"no TTL: {milliseconds} ms");

    private static long ToNanoseconds(TimeSpan span) => span.Ticks * TimeSpan.NanosecondsPerTick;

    /// <summary>Rounded up: whoever waits must not wait too short.</summary>
    private static TimeSpan FromNanoseconds(long nanoseconds) =>
        nanoseconds < 0
            ? throw new FormatException($"no time: {nanoseconds} ns")
            : new TimeSpan((nanoseconds / TimeSpan.NanosecondsPerTick) + (nanoseconds % TimeSpan.NanosecondsPerTick > 0 ? 1 : 0));
}
