using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Content.Seeded;

namespace ClusterFs.Node.Seeded;

/// <summary>What a node says of its seeded files, in the words of the API. Pure.</summary>
internal static class SeededPicture
{
    /// <summary>A message between nodes has to fit into one frame.</summary>
    private const int MaxBytes = 100_000;

    private const int MaxDiff = 64 << 10;

    /// <param name="states">All of the node's.</param>
    /// <param name="service">Only of this one; null for all.</param>
    /// <param name="differences">What a rendering would change, where that was asked.</param>
    public static SeededNodeReport Draw(
        string node, ImmutableArray<SeededState> states, string? service, ImmutableArray<SeededDifference> differences) => new(
        node,
        null,
        [
            .. states.Where(state => service is null || state.Service == service).Select(state =>
            {
                var difference = differences.FirstOrDefault(one => one.Service == state.Service && one.File == state.File);
                return new SeededFileReport(
                    state.Service,
                    new SeededFileStatus(
                        node,
                        state.File,
                        state.Template,
                        StateOf(state.Condition),
                        state.Reason,
                        state.RenderedAt?.ToUniversalTime(),
                        state.RenderedBecause,
                        state.Kept),
                    difference?.Reason,
                    difference?.Failed ?? false,
                    difference is { Diff.Length: > 0 } ? difference.Diff : null);
            }),
        ]);

    /// <summary>What is known of a node that does not answer: which files it should have.</summary>
    public static SeededNodeReport Silent(Settings settings, string node, string? service, string problem) => new(
        node,
        problem,
        [
            .. settings.Services.Values
                .Where(one => (service is null || one.Name == service) && one.Nodes.Contains(node))
                .SelectMany(one => one.Seeded.Select(file => new SeededFileReport(
                    one.Name, new SeededFileStatus(node, file.Path, file.Template, SeededFileState.Unknown, problem, null, null, []), null, true, null))),
        ]);

    /// <summary>The report as it goes to another node: long differences are cut, and say so.</summary>
    public static string Write(SeededNodeReport report)
    {
        var most = MaxDiff;
        while (true)
        {
            var cut = report with { Files = [.. report.Files.Select(file => file with { Diff = Cut(file.Diff, most) })] };
            var written = JsonSerializer.SerializeToUtf8Bytes(cut, ApiJson.Default.SeededNodeReport);
            if (written.Length <= MaxBytes)
            {
                return System.Text.Encoding.UTF8.GetString(written);
            }

            if (most == 0)
            {
                return JsonSerializer.Serialize(
                    new SeededNodeReport(report.Node, "has too many seeded files to tell of all at once; name a service", []), ApiJson.Default.SeededNodeReport);
            }

            most /= 2;
        }
    }

    private static string? Cut(string? diff, int most)
    {
        if (diff is null || diff.Length <= most)
        {
            return diff;
        }

        var end = most == 0 ? 0 : diff.LastIndexOf('\n', most - 1) + 1;
        var left = diff.AsSpan(end).Count('\n');
        return string.Create(CultureInfo.InvariantCulture, $"{diff.AsSpan(0, end)}… {left} more lines: ask on that node\n");
    }

    private static SeededFileState StateOf(SeededCondition condition) => condition switch
    {
        SeededCondition.Current => SeededFileState.Current,
        SeededCondition.Stale => SeededFileState.Stale,
        SeededCondition.Edited => SeededFileState.Edited,
        _ => SeededFileState.Unknown,
    };
}
