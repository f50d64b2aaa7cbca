using System.Collections.Immutable;
using ClusterFs.Api;

namespace ClusterFs.Node.Page;

/// <summary>
/// What happened lately, of all services. A service's history is asked for again when something about its ownership is different, and never waited for;
/// dumps are those that this node has heard of. For one caller at a time.
/// </summary>
/// <param name="ask">Null when there was no answer.</param>
internal sealed class Timeline(Func<string, Task<HistoryReport?>> ask, RecentDumps dumps)
{
    private const int Shown = 60;
    private const int KeptOfService = 20;
    private const int AskedAtOnce = 8;

    private readonly Dictionary<string, Kept> _services = new(StringComparer.Ordinal);
    private long _asked;

    /// <param name="services">As they are now.</param>
    /// <returns>Newest first.</returns>
    public ImmutableArray<PageEvent> Follow(ImmutableArray<ServiceStatus> services)
    {
        var asking = _services.Values.Count(kept => kept.Asked is { IsCompleted: false });
        var wanting = new List<(ServiceStatus Service, Kept Kept)>();
        foreach (var service in services)
        {
            var kept = _services.TryGetValue(service.Name, out var known) ? known : _services[service.Name] = new Kept();
            kept.TakeAnswer(service.Name);
            if (kept.WantsAnswer(service))
            {
                wanting.Add((service, kept));
            }
        }

        // Who was not asked for the longest time comes first: those that are silent keep nobody else from it.
        foreach (var (service, kept) in wanting.OrderBy(one => one.Kept.AskedAs).Take(Math.Max(0, AskedAtOnce - asking)))
        {
            kept.Ask(service, ask(service.Name), ++_asked);
        }

        return [.. _services.SelectMany(service => service.Value.Events).Concat(dumps.All).OrderByDescending(one => one.At).Take(Shown)];
    }

    private sealed class Kept
    {
        private string _asOf = "";

        public Task<HistoryReport?>? Asked { get; private set; }

        /// <summary>Of all questions, which one was its newest; 0 before the first.</summary>
        public long AskedAs { get; private set; }

        public ImmutableArray<PageEvent> Events { get; private set; } = [];

        public void TakeAnswer(string service)
        {
            if (Asked is { IsCompletedSuccessfully: true, Result: { } report })
            {
                Events = [.. report.Entries.TakeLast(KeptOfService).Select(entry => Of(service, entry))];
                Asked = null;
            }
            else if (Asked is { IsCompleted: true })
            {
                // No answer: asked again the next time.
                _asOf = "";
                Asked = null;
            }
        }

        public bool WantsAnswer(ServiceStatus service) => Asked is null && _asOf != StateOf(service);

        public void Ask(ServiceStatus service, Task<HistoryReport?> answer, long number)
        {
            AskedAs = number;
            _asOf = StateOf(service);
            Asked = answer;
        }

        private static string StateOf(ServiceStatus service) => $"{service.Epoch} {service.State} {service.Owner} {service.Paused} {service.Damped}";

        private static PageEvent Of(string service, HistoryEntry entry) => new(service, entry.At, entry.Event, entry.Node, entry.Text)
        {
            Cause = entry.Cause,
            DurationSeconds = entry.DurationSeconds,
            LostSeconds = entry.LostSeconds,
        };
    }
}
