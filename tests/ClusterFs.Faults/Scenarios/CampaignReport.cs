using System.Globalization;
using System.Text;
using ClusterFs.Faults.Checking;

namespace ClusterFs.Faults.Scenarios;

/// <summary>A campaign as Markdown, for people.</summary>
internal sealed class CampaignReport(string title, Evidence evidence, Verdict verdict, IReadOnlyList<string> progress)
{
    private readonly IReadOnlyList<Failover> _failovers = Failover.Find(evidence);

    /// <summary>The figures, without the course of events.</summary>
    public string Summary()
    {
        var text = new StringBuilder();
        Section(text, "Verdict", verdict.Violations.Count == 0
            ? ["No violation."]
            : [$"{verdict.Violations.Count} violations:", "", .. verdict.Violations.Select(violation => $"- **{violation.Rule}**: {violation.What}")]);
        Section(text, "Faults", Table(
            ["fault", "times"],
            evidence.Faults.GroupBy(fault => fault.Fault.Kind)
                .OrderBy(kind => kind.Key, StringComparer.Ordinal)
                .Select(kind => new[] { kind.Key, Number(kind.Count()) })
                .Append(["all", Number(evidence.Faults.Count)])));
        Section(text, "Failovers", Table(
            ["with", "times", "median", "longest"],
            _failovers.GroupBy(failover => failover.Cause)
                .OrderBy(cause => cause.Key, StringComparer.Ordinal)
                .Select(cause => Times(cause.Key, [.. cause.Select(failover => failover.Took)]))
                .Append(Times("all", [.. _failovers.Select(failover => failover.Took)]))));
        Section(text, "Quiet times", Table(
            ["from the end of the last fault until", "times", "median", "longest", "allowed"],
            [
                [.. Times("somebody writes", [.. evidence.QuietTimes.Select(quiet => quiet.OwnerAfter).OfType<TimeSpan>()]), Seconds(LivenessRules.OwnerBound)],
                [.. Times("all nodes are one cluster", [.. evidence.QuietTimes.Select(quiet => quiet.MembersAfter).OfType<TimeSpan>()]), Seconds(LivenessRules.MembersBound)],
            ]));
        Section(text, "Records", Table(
            ["what became of them", "records"],
            [
                ["acknowledged", Number(verdict.Fates.Acknowledged)],
                ["in the line", Number(verdict.Fates.InLine)],
                ["in a divergent dump", Number(verdict.Fates.Divergent)],
                ["still on the disk of their node", Number(verdict.Fates.OnDisk)],
                ["gone with a disk", Number(verdict.Fates.LostWithDisk)],
                ["gone", Number(verdict.Fates.Thrown)],
            ]));
        Section(text, "Processes, moves and epochs",
        [
            $"{evidence.Lives.Count} processes wrote; {evidence.Moves.Count} planned moves were asked for, {evidence.Moves.Count(move => move.Epoch is not null)} succeeded;",
            $"{evidence.Journal.Count} events in the journal, {evidence.EpochTable.Count} epochs granted; status announced a risk {evidence.Announcements.Count} times.",
        ]);
        return text.ToString();
    }

    public string Full()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"# {title}").AppendLine().Append(Summary());
        Section(text, "Planned moves", Table(
            ["to", "took", "epoch", "answer"],
            evidence.Moves.Select(move => new[]
            {
                move.To, Seconds(move.Ended - move.Began), move.Epoch?.ToString(CultureInfo.InvariantCulture) ?? "", OneLine(move.Answer),
            })));
        Section(text, "Processes", Table(
            ["process", "node", "epoch", "from", "to", "records", "found", "end"],
            evidence.Lives.Select(life => new[]
            {
                life.Run, life.Node, Number((int)life.Epoch), Seconds(life.Began), Seconds(life.LastSeen), Number(life.Acknowledged.Count),
                life.Base?.ToString() ?? "nothing", life.EndedItself ? "stopped" : "killed",
            })));
        Section(text, "Course of events", ["```", .. progress, "```"]);
        return text.ToString();
    }

    private static string[] Times(string what, IReadOnlyList<TimeSpan> times) =>
        [what, Number(times.Count), times.Count == 0 ? "" : Seconds(Durations.Median(times)), times.Count == 0 ? "" : Seconds(times.Max())];

    private static IEnumerable<string> Table(string[] head, IEnumerable<string[]> rows) =>
        [Row(head), Row([.. head.Select(_ => "---")]), .. rows.Select(Row)];

    private static string Row(string[] cells) => $"| {string.Join(" | ", cells)} |";

    private static void Section(StringBuilder text, string title, IEnumerable<string> lines) => text
        .AppendLine(CultureInfo.InvariantCulture, $"## {title}")
        .AppendLine()
        .AppendJoin('\n', lines)
        .AppendLine()
        .AppendLine();

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").Replace('|', '/');

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => FormattableString.Invariant($"{time.TotalSeconds:0.00} s");
}
