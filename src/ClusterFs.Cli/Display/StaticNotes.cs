using ClusterFs.Api;

namespace ClusterFs.Cli.Display;

/// <summary>What the status says of a service's static contents, a line each.</summary>
internal static class StaticNotes
{
    public static IEnumerable<string> Of(ServiceStatus service, DateTimeOffset now)
    {
        foreach (var content in service.Static.IsDefaultOrEmpty ? [] : service.Static.GroupBy(one => one.Name))
        {
            foreach (var same in content.Where(one => one.State == StaticContentState.Current).GroupBy(one => one.Generation))
            {
                var published = same.First().PublishedAt is { } at ? $", published {Humane.Ago(at, now)}," : "";
                yield return $"{service.Name}: static {content.Key}: generation {same.Key}{published} is served on {string.Join(", ", same.Select(one => one.Node))}";
            }

            if (content.All(one => one.State == StaticContentState.Empty))
            {
                yield return $"{service.Name}: static {content.Key}: nothing was published yet; see 'clusterfs static publish'";
                continue;
            }

            foreach (var one in content)
            {
                if (one.State != StaticContentState.Current)
                {
                    yield return $"{service.Name}: static {one.Name} on {one.Node} is {one.State.ToString().ToUpperInvariant()}: {ServedBy(one)}{one.Reason}";
                }

                if (!one.Kept.IsDefaultOrEmpty)
                {
                    yield return $"{service.Name}: static {one.Name} on {one.Node}: what was in the place of {one.Path} is kept as {string.Join(", ", one.Kept)}; delete what is of no use";
                }
            }
        }
    }

    private static string ServedBy(StaticStatus one) => one is { State: StaticContentState.Behind or StaticContentState.Failed, Generation: > 0 }
        ? $"generation {one.Generation} is served; "
        : "";
}
