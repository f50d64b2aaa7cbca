using System.CommandLine;
using System.Globalization;
using ClusterFs.Configuration;

namespace ClusterFs.Cli;

/// <summary>Arguments and options that several commands have.</summary>
internal static class CommandArguments
{
    public static Argument<string> Service() => new("SERVICE") { Description = "A service of the configuration." };

    /// <summary>An upper limit for the command as a whole.</summary>
    public static Option<TimeSpan> Timeout(TimeSpan otherwise, string description)
    {
        var option = new Option<TimeSpan>("--timeout")
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
                    CultureInfo.InvariantCulture, $"--timeout: '{result.Tokens[0].Value}' is no time; expected 1ms to 1d, such as 30s"));
                return default;
            },
            DefaultValueFactory = _ => otherwise,
        };
        return option;
    }
}
