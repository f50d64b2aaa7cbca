using System.Text.RegularExpressions;
using ClusterFs.Demo;
using ClusterFs.Systemd.Tests.Rig;

namespace ClusterFs.Systemd.Tests;

/// <summary>docs/tutorial.md as somebody types it: its blocks, in order, each on the hosts that it names.</summary>
internal sealed partial class Tutorial(SystemdHosts hosts)
{
    private static readonly string[] Servers = ["n1", "n2", "n3", "db"];

    public static IReadOnlyList<Step> Steps { get; } = Read(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "tutorial.md")));

    /// <summary>Does the steps of these sections.</summary>
    /// <returns>What each step printed on its last host.</returns>
    public async Task<IReadOnlyList<string>> Follow(params int[] sections)
    {
        var said = new List<string>();
        foreach (var step in Steps.Where(step => sections.Contains(step.Section)))
        {
            said.Add(await Do(step));
        }

        return said;
    }

    public async Task<string> Do(Step step)
    {
        var output = "";
        foreach (var host in step.Hosts)
        {
            switch (step.How)
            {
                case "cut":
                    await hosts.CutPower(host);
                    continue;
                case "boot":
                    await hosts.SwitchOn(host);
                    break;
            }

            // Somebody who types is not as quick as to miss the journal's last line.
            await hosts.Run(host, "journalctl --sync");

            // One shell from block to block, as far as that matters: it stays where it was.
            var result = await hosts.Try(
                host, $"cd \"$(cat /run/where 2>/dev/null || echo /root)\"\nset -o pipefail\n{step.Script}\npwd > /run/where");
            output = result.Output + result.Error;
            if (result.ExitCode == 0 == (step.How == "fails"))
            {
                throw new ConditionNotMetException($"on {host}, with code {result.ExitCode}:{Environment.NewLine}{step.Script}{Environment.NewLine}{output}");
            }
        }

        return output;
    }

    private static List<Step> Read(string text)
    {
        var steps = new List<Step>();
        var section = 0;
        foreach (Match match in Block().Matches(text.ReplaceLineEndings("\n")))
        {
            if (match.Groups["section"].Success)
            {
                section = int.Parse(match.Groups["section"].Value, System.Globalization.CultureInfo.InvariantCulture);
                continue;
            }

            var words = match.Groups["words"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            steps.Add(new Step(
                section,
                [.. words.Where(Servers.Contains)],
                words.FirstOrDefault(word => !Servers.Contains(word)),
                match.Groups["script"].Value));
        }

        return steps;
    }

    [GeneratedRegex(@"^## (?<section>\d+)\.|^```sh (?<words>[^\n]*)\n(?<script>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    /// <param name="How">fails: it has to; cut: the host's power is cut in place of the script; boot: the host is switched on before.</param>
    internal sealed record Step(int Section, IReadOnlyList<string> Hosts, string? How, string Script);
}
