using ClusterFs.Posix;

namespace ClusterFs.Demo.Status;

/// <summary>Asks the owner over and over what is at risk, and remembers every answer. Safe for concurrent readers.</summary>
public sealed class RiskWatch : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(150);

    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly LocalCluster _cluster;
    private readonly string _service;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _turn = new();
    private readonly List<RiskAnnouncement> _announcements = [];
    private readonly Task _watching;

    public RiskWatch(LocalCluster cluster, string service)
    {
        _cluster = cluster;
        _service = service;
        _watching = Task.Run(Watch);
    }

    /// <summary>All answers so far, in order.</summary>
    public IReadOnlyList<RiskAnnouncement> Announcements
    {
        get
        {
            lock (_turn)
            {
                return [.. _announcements];
            }
        }
    }

    /// <summary>Whether the newest answer is fresh, and says that at least so much is at risk.</summary>
    public bool HasJustAnnounced(TimeSpan atRisk)
    {
        lock (_turn)
        {
            return _announcements.Count > 0
                && _announcements[^1].AtRisk >= atRisk
                && MachineClock.Boottime - _announcements[^1].AskedAt < Fresh;
        }
    }

    /// <summary>The last answer that was there before a moment on the boot-time clock.</summary>
    /// <exception cref="ConditionNotMetException">The owner had announced nothing by then.</exception>
    public RiskAnnouncement LastBefore(TimeSpan moment)
    {
        lock (_turn)
        {
            return _announcements.FindLast(announcement => announcement.AnsweredAt <= moment)
                ?? throw new ConditionNotMetException($"status had announced nothing about {_service} before the moment in question");
        }
    }

    /// <summary>Asks no more; the answers stay. May be called twice.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
    }

    private async Task Watch()
    {
        ClusterNode? owner = null;
        while (!_stop.IsCancellationRequested)
        {
            owner = await Ask(owner);
            await Task.WhenAny(Task.Delay(Pause, _stop.Token));
        }
    }

    /// <returns>The node to ask next; null when it has to be looked for.</returns>
    private async Task<ClusterNode?> Ask(ClusterNode? owner)
    {
        foreach (var node in owner is null ? _cluster.Nodes : [owner])
        {
            var asked = MachineClock.Boottime;
            var service = (await node.TryStatus())?.Service(_service);
            if (service is not { IsOwned: true })
            {
                continue;
            }

            if (service.Owner != node.Name)
            {
                return _cluster.Nodes.FirstOrDefault(candidate => candidate.Name == service.Owner);
            }

            if (service.AtRisk is { } risk)
            {
                lock (_turn)
                {
                    _announcements.Add(new RiskAnnouncement(
                        node.Name, service.Epoch, asked, MachineClock.Boottime, TimeSpan.FromSeconds(risk.Seconds), risk.Bytes));
                }
            }

            return node;
        }

        return null;
    }
}
