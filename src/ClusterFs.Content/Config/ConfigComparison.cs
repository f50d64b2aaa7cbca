using System.Text;
using ClusterFs.Configuration;
using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Config;

/// <summary>What using a source as it is now would change on this node.</summary>
internal static class ConfigComparison
{
    public static ConfigDifference Of(string node, string service, ConfigFile file, ConfigSource source)
    {
        var settings = file.Settings;
        try
        {
            file.Open();
            var version = source.ReadVersion();
            return new ConfigDifference(service, settings.Name, version, null, DiffOf(node, file, source.ReadAll()));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or PlacingException)
        {
            return new ConfigDifference(service, settings.Name, null, problem.Message, "");
        }
    }

    private static string DiffOf(string node, ConfigFile file, IReadOnlyDictionary<string, byte[]> source)
    {
        var settings = file.Settings;
        IReadOnlyDictionary<string, byte[]> inUse = settings.Kind == ConfigKind.Copy && Path.Exists(settings.Target)
            ? Tree.ReadAll(Path.GetDirectoryName(settings.Target)!, Path.GetFileName(settings.Target))
            : file.ReadActive();
        var diff = new StringBuilder();
        foreach (var path in source.Keys.Union(inUse.Keys).Order(StringComparer.Ordinal))
        {
            var name = path.Length == 0 ? settings.Source : $"{settings.Source}/{path}";
            diff.Append(UnifiedDiff.Of(
                inUse.GetValueOrDefault(path, []),
                source.GetValueOrDefault(path, []),
                inUse.ContainsKey(path) ? $"{node}:{name} (in use)" : "/dev/null",
                source.ContainsKey(path) ? name : "/dev/null"));
        }

        if (file.CompareTarget() is { } target)
        {
            diff.Append(UnifiedDiff.Of(target.Before, target.After, $"{node}:{settings.Target}", $"{node}:{settings.Target} (with the block)"));
        }

        return diff.ToString();
    }
}
