using System.Collections.Immutable;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.notify</c>, and <c>clusterfs.services.NAME.notify</c> in its place.</summary>
internal static class NotifyBinder
{
    public const string Name = "notify";
    private const string OverdueAfter = "overdue-after";

    /// <param name="ofService">The section is of one service.</param>
    /// <returns>Null where nothing is written.</returns>
    public static NotificationSettings? Bind(Section section, bool ofService = false)
    {
        var events = ofService ? NotificationEvents.OfServices : NotificationEvents.All;
        // Asked for all the same where nothing is written: what is never asked for is unknown.
        var command = section.IsWritten ? section.RequiredText("command", "expected a command for /bin/sh").Value : section.Text("command").Value;
        var on = section.Texts("on");
        foreach (var one in on.Value ?? [])
        {
            if (ofService && NotificationEvents.OfNodes.Contains(one.Value))
            {
                section.Wrong(one.At, "on", 0, $"'{one.Value}' is of no service", "expected in clusterfs.notify");
            }
            else if (!events.Contains(one.Value))
            {
                section.Wrong(one.At, "on", 0, $"'{one.Value}' is no event", $"{Suggestion.For(one.Value, events)}there are {string.Join(", ", events)}");
            }
        }

        var timeout = section.Duration("timeout", TimeSpan.FromSeconds(30), min: TimeSpan.FromSeconds(1), max: TimeSpan.FromHours(1));
        var vacant = section.Duration("vacant-after", TimeSpan.FromMinutes(1), min: TimeSpan.FromSeconds(1), max: TimeSpan.FromDays(1));
        var overdue = section.Duration(OverdueAfter, TimeSpan.Zero, min: TimeSpan.FromSeconds(1), max: TimeSpan.FromDays(30));
        var nodeLost = TimeSpan.FromMinutes(1);
        if (!ofService)
        {
            nodeLost = section.Duration("node-lost-after", nodeLost, min: TimeSpan.FromSeconds(1), max: TimeSpan.FromDays(1)).Value;
        }

        section.Finish();
        return section.IsWritten
            ? new NotificationSettings(
                command ?? "",
                on.Value is { } chosen ? chosen.Select(one => one.Value).ToImmutableSortedSet(StringComparer.Ordinal) : NotificationEvents.UnaskedOfServices.Union(ofService ? [] : NotificationEvents.OfNodes),
                timeout.Value,
                vacant.Value,
                overdue.Value == TimeSpan.Zero ? null : overdue.Value)
            {
                NodeLostAfter = nodeLost,
            }
            : null;
    }

    /// <summary>What is dumped as seldom as that would be overdue all the time.</summary>
    /// <param name="all">The section <c>clusterfs</c>.</param>
    public static void Check(Section all, IEnumerable<ServiceSettings> services, NotificationSettings? common)
    {
        foreach (var service in services)
        {
            if ((service.Notify ?? common)?.OverdueAfter is { } overdue && overdue <= service.Live.DumpEvery)
            {
                var section = service.Notify is null ? all.Child(Name) : all.Child("services").NamedChild(service.Name).Child(Name);
                section.Wrong(
                    section.Text(OverdueAfter).At, OverdueAfter, 0,
                    $"{Durations.Show(overdue)} is no longer than live.dump-every of {service.Name}, {Durations.Show(service.Live.DumpEvery)}",
                    "expected more; leave it out for 5m, or three times dump-every where that is longer");
            }
        }
    }
}
