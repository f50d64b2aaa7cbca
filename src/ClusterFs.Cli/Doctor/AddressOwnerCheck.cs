using System.Collections.Immutable;
using System.Net;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Guard.Addresses;
using ClusterFs.Posix;
using ClusterFs.Posix.Network;

namespace ClusterFs.Cli.Doctor;

/// <summary>Where the cluster has a service, as far as this node's daemon knows.</summary>
/// <param name="Known">The daemon said so, before the network was asked and after.</param>
/// <param name="Node">Null: no node runs it.</param>
internal sealed record AddressOwner(bool Known, string? Node);

/// <summary>What the network says of one address.</summary>
/// <param name="IsHere">This node has it.</param>
/// <param name="Holders">Who else says so.</param>
/// <param name="Nodes">By hardware address: the nodes that are on that link, as far as they answer for their own addresses there.</param>
internal sealed record AddressAsked(
    string Service, FloatingAddress Address, string Interface, bool IsHere, ImmutableArray<HardwareAddress> Holders, ImmutableDictionary<HardwareAddress, string> Nodes);

/// <summary>Whether somebody answers for a service's address who should not: another machine that was given it, or a node that kept it.</summary>
internal static class AddressOwnerCheck
{
    private const string Name = "address owners";

    private static readonly TimeSpan DaemonPatience = TimeSpan.FromSeconds(2);

    public static Check Create(Settings settings, IReadOnlyList<ServiceSettings> services) => new(
        Name, "the network of this machine does not answer", "look at its interfaces: ip -s link", () => LookAsync(settings, services))
    {
        Patience = (DaemonPatience * 2) + AddressProbe.Takes + TimeSpan.FromSeconds(3),
    };

    /// <param name="self">This node.</param>
    public static Finding Judge(AddressAsked asked, AddressOwner owner, string self)
    {
        var what = $"{asked.Address} of {asked.Service} on {asked.Interface}";
        var expected = asked.IsHere ? self : owner.Node;
        var strange = asked.Holders.Where(holder => asked.IsHere || !owner.Known || !MayBe(owner.Node, self, holder, asked)).ToList();
        return strange switch
        {
            [] when asked.Holders is [var holder] => Finding.Ok(
                Name, $"{Who(holder, asked)} answers for {what}", asked.Nodes.ContainsKey(holder) ? $"{expected} owns {asked.Service}" : $"{expected} owns {asked.Service}, and does not say which hardware address is its own there"),
            [] when asked.IsHere => Finding.Ok(Name, $"nobody else answers for {what}", "this node has it"),
            [] when owner is { Known: true, Node: { } silent } => Finding.Warning(
                Name, $"nobody answers for {what}, and {silent} runs {asked.Service}", "clients in that network do not reach it, or what they ask does not get from here to there",
                $"'clusterfs explain {asked.Service}' on {silent} says whether it is on; are both nodes in one network, and does a switch or a firewall drop ARP between them?"),
            [] => Finding.Ok(Name, $"nobody answers for {what}", owner.Known ? $"no node runs {asked.Service}" : ""),
            [var one] when !owner.Known && !asked.IsHere => asked.Nodes.TryGetValue(one, out var node)
                ? Finding.Ok(Name, $"{Who(one, asked)} answers for {what}", $"{node} is a node of the cluster; whether it runs {asked.Service} is not known, because the daemon here does not say")
                : Finding.Warning(
                    Name, $"{Who(one, asked)} answers for {what}", $"that may be the node that runs {asked.Service}, or a machine that has the address by mistake: the daemon here does not say who should",
                    "start the daemon here, systemctl start clusterfs, and ask again"),
            _ when !owner.Known && !asked.IsHere && strange.TrueForAll(asked.Nodes.ContainsKey) => Finding.Warning(
                Name, $"{string.Join(" and ", strange.Select(holder => Who(holder, asked)))} answer for {what}", $"{asked.Service} is moving from one to the other, or both have it",
                "ask again; where both still answer, see 'clusterfs status' on each"),
            _ => Finding.Failure(
                Name,
                $"{string.Join(" and ", strange.Select(holder => Who(holder, asked)))} {(strange.Count == 1 ? "answers" : "answer")} for {what}, and {(expected is null ? "no node" : expected)} {(expected == self && !asked.IsHere ? "should have" : owner.Known || asked.IsHere ? "has" : "is known to have")} it",
                $"clients that ask for {asked.Address.Address} may reach the wrong machine, now or when {asked.Service} starts or moves",
                "find that machine by its hardware address (the switch knows its port; 'ip link' shows a machine its own) and take the address off there, and out of its configuration; "
                + "or give the service an address that nobody has"),
        };
    }

    /// <summary>A node that does not answer for its own address on this link cannot be told from others; this one is none of those that answer.</summary>
    private static bool MayBe(string? owner, string self, HardwareAddress holder, AddressAsked asked) =>
        owner is not null && owner != self && (asked.Nodes.TryGetValue(holder, out var node) ? node == owner : asked.Holders.Length == 1 && !asked.Nodes.ContainsValue(owner));

    private static string Who(HardwareAddress holder, AddressAsked asked) => asked.Nodes.TryGetValue(holder, out var node) ? $"{node} ({holder})" : $"{holder}";

    private static async Task<IEnumerable<Finding>> LookAsync(Settings settings, IReadOnlyList<ServiceSettings> services)
    {
        if (services.All(service => service.Addresses.IsEmpty))
        {
            return [];
        }

        var before = await OwnersAsync(settings).ConfigureAwait(false);
        var places = services.SelectMany(service => service.Addresses.Select(address => (Service: service.Name, Address: address, Fitness: AddressFitness.Look(address))))
            .Where(one => one.Fitness.Problem is null).ToList();
        var table = LinkTable.Read();
        var links = table.Links.Where(link => link.IsEthernet && places.Exists(one => one.Fitness.Interface == link.Name)).ToList();
        var own = IPAddress.Parse(settings.Cluster.Nodes[settings.Node.Name]);
        var others = settings.Cluster.Nodes.Where(node => node.Key != settings.Node.Name).ToDictionary(node => IPAddress.Parse(node.Value), node => node.Key);
        var floating = settings.Services.Values.SelectMany(service => service.Addresses.Select(address => address.Address)).ToHashSet();
        ImmutableArray<AddressAsked> asked;
        try
        {
            asked = [.. (await Task.WhenAll(links.Select(link => Task.Run(() => Ask(link, AskersOf(table, link, own, floating), places.Where(one => one.Fitness.Interface == link.Name), others))))
                .ConfigureAwait(false)).SelectMany(one => one)];
        }
        catch (PosixException e) when (e.Error is PosixException.NotPermitted)
        {
            return [Check.NotAllowed(Name, e.Message)];
        }

        var after = await OwnersAsync(settings).ConfigureAwait(false);
        return asked.Select(one => Judge(one, OwnerOf(one.Service, before, after), settings.Node.Name));
    }

    /// <summary>What a link has of this node alone, the node's own address first: what is asked in the name of an address that moves would be believed of it.</summary>
    internal static IReadOnlyList<IPAddress> AskersOf(LinkTable table, NetworkLink link, IPAddress own, IReadOnlySet<IPAddress> floating) =>
        [.. table.Addresses.Where(there => there.Link == link.Index && !floating.Contains(there.Address)).Select(there => there.Address).OrderByDescending(own.Equals)];

    private static IEnumerable<AddressAsked> Ask(
        NetworkLink link, IReadOnlyList<IPAddress> askers, IEnumerable<(string Service, FloatingAddress Address, AddressFitness Fitness)> places, IReadOnlyDictionary<IPAddress, string> others)
    {
        var here = places.ToList();
        var inNameOf = here.Select(one => one.Address.Address).Distinct().ToDictionary(address => address, IPAddress? (_) => null);
        foreach (var node in others.Keys)
        {
            if (askers.FirstOrDefault(asker => asker.AddressFamily == node.AddressFamily) is { } asker)
            {
                _ = inNameOf.TryAdd(node, asker);
            }
        }

        var answers = AddressProbe.Ask(link, inNameOf);
        var nodes = others.Where(node => inNameOf.ContainsKey(node.Key)).SelectMany(node => answers[node.Key].Select(hardware => (Hardware: hardware, Node: node.Value)))
            .GroupBy(one => one.Hardware).ToImmutableDictionary(one => one.Key, one => one.First().Node);
        return here.Select(one => new AddressAsked(
            one.Service, one.Address, link.Name, one.Fitness.IsOn && AddressFitness.Look(one.Address).IsOn, answers[one.Address.Address], nodes));
    }

    /// <summary>Where it was moved meanwhile, or is between two nodes, nobody can say who should have answered.</summary>
    private static AddressOwner OwnerOf(string service, StatusReport? before, StatusReport? after)
    {
        var (first, last) = (Find(before), Find(after));
        return first is null || last is null || !IsSettled(first) || !IsSettled(last) || first.Owner != last.Owner || first.Epoch != last.Epoch
            ? new AddressOwner(false, null)
            : new AddressOwner(true, last.Owner);

        ServiceStatus? Find(StatusReport? report) => report?.Services.FirstOrDefault(one => one.Name == service);
        static bool IsSettled(ServiceStatus status) => status.Owner is null || status is { State: ServiceState.Owned, Reason: null };
    }

    private static async Task<StatusReport?> OwnersAsync(Settings settings)
    {
        using var daemon = new DaemonClient(settings.Node.Socket);
        try
        {
            return await daemon.GetStatusAsync(DaemonPatience, CancellationToken.None).ConfigureAwait(false);
        }
        catch (DaemonException)
        {
            return null;
        }
    }
}
