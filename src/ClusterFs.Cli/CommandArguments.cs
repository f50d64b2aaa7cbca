using System.CommandLine;
using System.Globalization;
using ClusterFs.Configuration;

namespace ClusterFs.Cli;

/// <summary>Arguments and options that several commands have.</summary>
internal static class CommandArguments
{
    public static Argument<string> Service()
    {
        var service = new Argument<string>("SERVICE") { Description = "A service of the configuration." };
        service.CompletionSources.Add(context => ServicesOf(context.ParseResult));
        return service;
    }

    /// <param name="description">What it means to name one.</param>
    public static Argument<string?> OptionalService(string description)
    {
        var service = new Argument<string?>("SERVICE") { Description = description, Arity = ArgumentArity.ZeroOrOne };
        service.CompletionSources.Add(context => ServicesOf(context.ParseResult));
        return service;
    }

    /// <summary>How long to wait for an answer.</summary>
    /// <param name="otherwise">What help says happens without it; up to the command.</param>
    /// <param name="description">What is waited for.</param>
    public static Option<TimeSpan?> Timeout(TimeSpan otherwise, string description) => Time("--timeout", otherwise, description);

    /// <summary>For a shell that completes a name; where there is no configuration there are none.</summary>
    private static IEnumerable<string> ServicesOf(ParseResult parsed)
    {
        try
        {
            return ConfigurationLoader.Load(GlobalOptions.ConfigPath(parsed)).Settings.Services.Keys;
        }
        catch (ConfigurationException)
        {
            return [];
        }
    }

    /// <summary>A time of up to a day.</summary>
    public static Option<TimeSpan?> Time(string name, TimeSpan otherwise, string description)
    {
        return new Option<TimeSpan?>(name)
        {
            Description = $"{description} Default: {Durations.Show(otherwise)}",
            HelpName = "TIME",
            CustomParser = result =>
            {
                if (Durations.TryParse(result.Tokens[0].Value, out var duration)
                    && duration > TimeSpan.Zero
                    && duration <= TimeSpan.FromDays(1))
                {
                    return duration;
                }

                result.AddError(string.Create(
                    CultureInfo.InvariantCulture, $"{name}: '{result.Tokens[0].Value}' is no time; expected 1ms to 1d, such as 30s"));
                return null;
            },
        };
    }
}
