using System.CommandLine;
using ClusterFs.Configuration;

namespace ClusterFs.Cli;

/// <summary>Options of every command.</summary>
public static class GlobalOptions
{
    private const string ConfigVariable = "CLUSTERFS_CONFIG";

    public static Option<string> Config { get; } = new("--config")
    {
        Description = $"The node's configuration. Default: ${ConfigVariable}, else {ConfigurationLoader.DefaultPath}",
        HelpName = "FILE",
        Recursive = true,
    };

    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Answer in JSON, for programs.",
        Recursive = true,
    };

    /// <summary>The configuration file that the user means.</summary>
    public static string ConfigPath(ParseResult parsed)
    {
        var named = parsed.GetValue(Config) ?? Environment.GetEnvironmentVariable(ConfigVariable);
        return string.IsNullOrEmpty(named) ? ConfigurationLoader.DefaultPath : named;
    }

    /// <summary>Loads that file; warnings go to the standard error.</summary>
    /// <exception cref="ConfigurationException">It cannot be used.</exception>
    public static Settings Load(ParseResult parsed, LoadOptions? options = null)
    {
        var loaded = ConfigurationLoader.Load(ConfigPath(parsed), options);
        foreach (var warning in loaded.Warnings)
        {
            parsed.InvocationConfiguration.Error.WriteLine($"warning: {warning}");
        }

        return loaded.Settings;
    }
}
