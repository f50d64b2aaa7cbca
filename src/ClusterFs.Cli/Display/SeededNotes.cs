using ClusterFs.Api;

namespace ClusterFs.Cli.Display;

/// <summary>What the status says of a service's seeded files, a line each.</summary>
internal static class SeededNotes
{
    public static IEnumerable<string> Of(ServiceStatus service)
    {
        if (service.Seeded.IsDefaultOrEmpty)
        {
            yield break;
        }

        var current = service.Seeded.Where(file => file.State == SeededFileState.Current).ToLookup(file => file.Node);
        var whole = service.Seeded.GroupBy(file => file.Node).Where(node => node.Count() == current[node.Key].Count()).Select(node => node.Key).ToList();
        if (whole.Count > 0)
        {
            yield return $"{service.Name}: seeded files are current on {string.Join(", ", whole)}";
        }

        foreach (var file in service.Seeded)
        {
            if (file.State != SeededFileState.Current)
            {
                yield return $"{service.Name}: seeded {file.Path} on {file.Node} is {file.State.ToString().ToUpperInvariant()}: {file.Reason}";
            }

            if (!file.Kept.IsDefaultOrEmpty)
            {
                yield return $"{service.Name}: seeded {file.Path} on {file.Node}: what was changed there is kept as {string.Join(", ", file.Kept)}; delete what is of no use";
            }
        }
    }
}
