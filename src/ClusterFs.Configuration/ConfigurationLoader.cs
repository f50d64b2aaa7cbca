using System.Collections.Immutable;
using ClusterFs.Configuration.Binding;
using ClusterFs.Configuration.Hocon;

namespace ClusterFs.Configuration;

/// <summary>Reads a node's configuration: the local file, what it includes, the defaults, and whether all of it fits together.</summary>
public static class ConfigurationLoader
{
    /// <summary>Where the local file is unless the user says otherwise.</summary>
    public const string DefaultPath = "/etc/clusterfs/node.conf";

    /// <summary>Reads and validates.</summary>
    /// <param name="path">The local file.</param>
    /// <param name="options">Null for the defaults: no path checks, no copies.</param>
    /// <exception cref="ConfigurationException">Anything is wrong; carries all mistakes at once.</exception>
    public static LoadedConfiguration Load(string path, LoadOptions? options = null)
    {
        options ??= new LoadOptions();
        var files = new HoconFiles(cache: null, options.PreferCopies ? TimeSpan.Zero : options.IncludeTimeout);
        var raw = files.Read(path);
        if (options.PreferCopies || files.IncludeUnreadable)
        {
            // Where the copies are is said by the local file itself, most often in the part that could be read.
            var cache = new ConfigurationCache(StateDirectoryOf(raw, options));
            files = new HoconFiles(cache, options.IncludeTimeout, options.PreferCopies);
            raw = files.Read(path);
        }

        if (files.Errors.Count > 0)
        {
            throw new ConfigurationException([.. files.Errors]);
        }

        var errors = new List<ConfigurationError>();
        var resolver = new HoconResolver(raw, options.Environment, errors);
        var root = resolver.Resolve();
        var binding = new BindingContext(errors, files.Warnings);
        var settings = SettingsBinder.Bind(root, resolver.Used, binding, options) with { File = path };
        if (errors.Count > 0)
        {
            throw new ConfigurationException(InOrder(errors, files.Names));
        }

        if (options.KeepCopies)
        {
            KeepCopies(settings, files, binding);
        }

        return new LoadedConfiguration(settings, [.. binding.Warnings], [.. files.Texts.Keys]);
    }

    private static string StateDirectoryOf(HoconObject raw, LoadOptions options)
    {
        var root = new HoconResolver(raw, options.Environment, []).Resolve();
        var node = (root.Find("clusterfs")?.Value as HoconObject)?.Find("node")?.Value as HoconObject;
        var written = (node?.Find("state-dir")?.Value as HoconText)?.Text;
        return (new NodeSettings("", "", written ?? NodeBinder.DefaultStateDirectory, "/")).ConfigurationCache;
    }

    private static void KeepCopies(Settings settings, HoconFiles files, BindingContext binding)
    {
        try
        {
            new ConfigurationCache(settings.Node.ConfigurationCache).Keep(files.Texts.Skip(1));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A start on a good configuration must not fail because the next one might lack a copy.
            binding.Warnings.Add(
                $"{settings.File}: no copy of the included files could be kept in {settings.Node.ConfigurationCache}: {e.Message}");
        }
    }

    private static ImmutableArray<ConfigurationError> InOrder(IEnumerable<ConfigurationError> errors, ImmutableArray<string> files) =>
        [.. errors.Distinct().OrderBy(error => files.IndexOf(error.File)).ThenBy(error => error.Line)];
}
