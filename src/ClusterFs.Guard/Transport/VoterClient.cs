using System.Collections.Concurrent;
using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.Transport;
using ClusterFs.Lease.Voter;
using Grpc.Core;
using Grpc.Net.Client;

namespace ClusterFs.Guard;

/// <summary>Asks the voters of other guards, and of this node's. Thread-safe. Nothing is retried: a round that fails is followed by the next.</summary>
public sealed class VoterClient : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<Peer>> _peers = new(StringComparer.Ordinal);
    private readonly IReadOnlyDictionary<string, string> _addresses;
    private readonly int _port;
    private readonly MutualTls? _tls;
    private readonly ProbeBatches _probes;

    /// <param name="addresses">By voter: where its guard listens.</param>
    /// <param name="port">The guards' port.</param>
    /// <param name="tls">Who this node is to them; null for clear text.</param>
    public VoterClient(IReadOnlyDictionary<string, string> addresses, int port, MutualTls? tls = null)
    {
        _addresses = addresses;
        _port = port;
        _tls = tls;
        _probes = new ProbeBatches(ProbeAllAsync);
    }

    /// <summary>How long the voter's promise still runs. Asked together with what others ask at about the same moment.</summary>
    /// <exception cref="VoterUnreachableException">No usable answer came in time.</exception>
    public Task<ProbeReply> ProbeAsync(string voter, Probe probe, TimeSpan timeout, CancellationToken cancellation) =>
        _probes.AskAsync(voter, probe, timeout).WaitAsync(cancellation);

    /// <summary>Raises the voter's floor.</summary>
    /// <exception cref="VoterUnreachableException">No usable answer came in time; the floor may have risen all the same.</exception>
    public async Task<FenceReply> FenceAsync(string voter, Fence fence, TimeSpan timeout, CancellationToken cancellation)
    {
        var reply = await CallAsync(
            voter, (peer, options) => peer.FenceAsync(VoterMapping.ToWire(fence), options), r => r.Voter, timeout, cancellation)
            .ConfigureAwait(false);
        return Read(voter, () => VoterMapping.FromWire(fence.Service, reply));
    }

    /// <summary>Tells a voter that has no state for a service where the floor is.</summary>
    /// <exception cref="VoterUnreachableException">No usable answer came in time; the voter may have joined all the same.</exception>
    public async Task<JoinReply> JoinAsync(string voter, Join join, TimeSpan timeout, CancellationToken cancellation)
    {
        var reply = await CallAsync(
            voter, (peer, options) => peer.JoinAsync(VoterMapping.ToWire(join), options), r => r.Voter, timeout, cancellation)
            .ConfigureAwait(false);
        return Read(voter, () => VoterMapping.FromWire(join.Service, reply));
    }

    /// <exception cref="VoterUnreachableException">No usable answer came in time.</exception>
    internal async Task<IReadOnlyList<RenewReply>> RenewAsync(string voter, string node, IReadOnlyList<Renew> renewals, TimeSpan timeout)
    {
        var reply = await CallAsync(
            voter, (peer, options) => peer.RenewAsync(VoterMapping.ToWire(node, renewals), options), r => r.Voter, timeout, default)
            .ConfigureAwait(false);
        return Read(voter, () => VoterMapping.FromWire(reply));
    }

    /// <exception cref="VoterUnreachableException">No usable answer came in time.</exception>
    /// <summary>For a node that cannot say it any more.</summary>
    public async Task<ReleaseReply> ReleaseAsync(string voter, Release release, TimeSpan timeout, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await ReleaseAsync(voter, release.Node, [release], timeout).ConfigureAwait(false);
        return new ReleaseReply(release.Service, voter);
    }

    internal async Task ReleaseAsync(string voter, string node, IReadOnlyList<Release> releases, TimeSpan timeout) =>
        await CallAsync(
            voter, (peer, options) => peer.ReleaseAsync(VoterMapping.ToWire(node, releases), options), r => r.Voter, timeout, default)
            .ConfigureAwait(false);

    public void Dispose()
    {
        foreach (var peer in _peers.Values)
        {
            peer.Value.Channel.Dispose();
        }
    }

    private async Task<IReadOnlyList<ProbeReply>> ProbeAllAsync(string voter, IReadOnlyList<Probe> probes, TimeSpan timeout)
    {
        var batch = new ProbeBatch();
        batch.Items.AddRange(probes.Select(VoterMapping.ToWire));
        var reply = await CallAsync(voter, (peer, options) => peer.ProbeAsync(batch, options), r => r.Voter, timeout, default)
            .ConfigureAwait(false);
        return Read(voter, () => VoterMapping.FromWire(probes, reply));
    }

    private async Task<TReply> CallAsync<TReply>(
        string voter, Func<VoterService.VoterServiceClient, CallOptions, AsyncUnaryCall<TReply>> call, Func<TReply, string> answeredBy,
        TimeSpan timeout, CancellationToken cancellation)
    {
        // Not the deadline of gRPC: that is a wall-clock time.
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timed.CancelAfter(timeout);
        try
        {
            var reply = await call(PeerOf(voter).Client, new CallOptions(cancellationToken: timed.Token)).ConfigureAwait(false);
            return answeredBy(reply) == voter
                ? reply
                : throw new VoterUnreachableException(voter, $"the guard of node {answeredBy(reply)} answers at its address");
        }
        catch (RpcException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (RpcException e)
        {
            throw new VoterUnreachableException(voter, timed.IsCancellationRequested ? "no answer in time" : e.Status.Detail, e);
        }
    }

    private static TReply Read<TReply>(string voter, Func<TReply> read)
    {
        try
        {
            return read();
        }
        catch (FormatException e)
        {
            throw new VoterUnreachableException(voter, $"it does not speak this protocol: {e.Message}", e);
        }
    }

    private Peer PeerOf(string voter) => _peers.GetOrAdd(voter, name => new Lazy<Peer>(() =>
    {
        if (!_addresses.TryGetValue(name, out var address))
        {
            throw new VoterUnreachableException(name, "no node of that name is configured");
        }

        var channel = GuardChannels.ToPeer(name, address, _port, _tls);
        return new Peer(channel, new VoterService.VoterServiceClient(channel));
    })).Value;

    private sealed record Peer(GrpcChannel Channel, VoterService.VoterServiceClient Client);
}

/// <summary>A voter gave no usable answer in time. Whether it heard the question is unknown.</summary>
public sealed class VoterUnreachableException(string voter, string problem, Exception? inner = null)
    : Exception($"voter {voter}: {problem}", inner)
{
    /// <summary>The node whose voter was asked.</summary>
    public string Voter { get; } = voter;
}
