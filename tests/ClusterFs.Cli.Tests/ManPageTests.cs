using System.Text.RegularExpressions;

namespace ClusterFs.Cli.Tests;

public sealed partial class ManPageTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task The_man_page_has_a_heading_for_each_command_that_help_names()
    {
        var help = await _cli.RunAsync("--help");
        var commands = Commands().Matches(help.Output[help.Output.IndexOf("Commands:", StringComparison.Ordinal)..]).Select(match => match.Groups[1].Value).ToList();
        var page = (await _cli.RunAsync("manual")).Output;

        Assert.Contains("status", commands);
        Assert.All(commands, command => Assert.Contains($".SS clusterfs {command}", page, StringComparison.Ordinal));
        Assert.Contains(".SS clusterfs systemd attach UNIT SERVICE", page, StringComparison.Ordinal);
        Assert.Contains("\\fB\\-\\-config\\fR", page, StringComparison.Ordinal);
        Assert.DoesNotContain("clusterfs gate", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_offers_commands_and_the_services_of_the_configuration()
    {
        Assert.Contains("status", await CompleteAsync("clusterfs sta"));
        Assert.Contains("wiki", await CompleteAsync($"clusterfs --config {_cli.ConfigurationFile} status "));
    }

    /// <summary>As the shells' completions ask.</summary>
    private static async Task<string[]> CompleteAsync(string line)
    {
        using var output = new StringWriter();
        Assert.Equal(0, await CommandLine.RunAsync([$"[suggest:{line.Length}]", line], output));
        return output.ToString().Split(Environment.NewLine);
    }

    [GeneratedRegex(@"^  ([a-z]+)", RegexOptions.Multiline)]
    private static partial Regex Commands();
}
