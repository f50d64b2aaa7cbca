using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Content.Config;

namespace ClusterFs.Node.Rollouts;

/// <summary>
/// Looks after the config files of this node, for the life of the process: each service on a thread of its own, so that a check or a reload that
/// hangs holds up no other service. Safe to use from several threads.
/// </summary>
internal sealed class ConfigKeeper : IDisposable
{
    private readonly ImmutableSortedDictionary<string, ServiceConfigKeeper> _services;
    private volatile ConfigNeighbours? _neighbours;

    public ConfigKeeper(Settings settings, TimeProvider time)
    {
        _services = settings.Services.Values
            .Where(service => !service.Config.IsEmpty && service.Nodes.Contains(settings.Node.Name))
            .ToImmutableSortedDictionary(
                service => service.Name,
                service => new ServiceConfigKeeper(settings, service, time, () => _neighbours?.FindAway() ?? ImmutableHashSet<string>.Empty, () => _neighbours?.Nudge(service.Name)),
                StringComparer.Ordinal);
    }

    /// <summary>Begins, unless it has begun before. A daemon that joins anew has new neighbours.</summary>
    public void Begin(ConfigNeighbours neighbours, ILogger logger)
    {
        _neighbours = neighbours;
        foreach (var service in _services.Values)
        {
            service.Begin(logger);
        }
    }

    /// <summary>As of the last looks; never waits.</summary>
    public ImmutableArray<ConfigState> States => [.. _services.Values.SelectMany(service => service.States)];

    /// <summary>Has a service's config files looked at now.</summary>
    public void LookAt(string service) => _services.GetValueOrDefault(service)?.LookNow();

    /// <summary>Has all config files looked at now.</summary>
    public void LookAtAll()
    {
        foreach (var service in _services.Values)
        {
            service.LookNow();
        }
    }

    /// <summary>What a roll-out would change.</summary>
    /// <exception cref="TimeoutException">What it waits for does not answer.</exception>
    public async Task<ImmutableArray<ConfigDifference>> CompareAsync(string? service, TimeSpan patience) =>
        [.. (await Task.WhenAll(Of(service).Select(one => one.CompareAsync(patience))).ConfigureAwait(false)).SelectMany(one => one)];

    /// <summary>Begins roll-outs.</summary>
    /// <exception cref="TimeoutException">What it waits for does not answer; they may begin later.</exception>
    public async Task<ImmutableArray<ConfigAsked>> ApplyAsync(string? service, TimeSpan patience) =>
        [.. (await Task.WhenAll(Of(service).Select(one => one.ApplyAsync(patience))).ConfigureAwait(false)).SelectMany(one => one)];

    public void Dispose()
    {
        foreach (var service in _services.Values)
        {
            service.Stop();
        }

        foreach (var service in _services.Values)
        {
            service.Dispose();
        }
    }

    private IEnumerable<ServiceConfigKeeper> Of(string? service) => _services.Where(one => service is null || one.Key == service).Select(one => one.Value);
}
