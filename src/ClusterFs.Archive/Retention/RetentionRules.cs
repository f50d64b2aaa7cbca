using System.Globalization;
using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Retention;

/// <summary>A dump, and why it stays.</summary>
/// <param name="Reasons">The rules that keep it; none when it may be pruned.</param>
public sealed record JudgedDump(DumpRecord Dump, IReadOnlyList<string> Reasons)
{
    public bool Stays => Reasons.Count > 0;
}

/// <summary>
/// Which dumps stay, apart from all files. Wall clocks only decide which of the old dumps are thinned out: what the line needs stays
/// whatever they say, and "the newest" goes by slots.
/// </summary>
internal static class RetentionRules
{
    /// <param name="dumps">Those that can be restored, oldest first.</param>
    /// <param name="needed">Slots that stay whatever the policy says, and why.</param>
    /// <returns>All of them, oldest first.</returns>
    public static IReadOnlyList<JudgedDump> Judge(RetentionPolicy policy, IReadOnlyList<DumpRecord> dumps, ILookup<long, string> needed)
    {
        (string Name, int Count, Func<DateTime, string> Period)[] rules =
        [
            ("hourly", policy.Hourly, time => time.ToString("yyyyMMddHH", CultureInfo.InvariantCulture)),
            ("daily", policy.Daily, time => time.ToString("yyyyMMdd", CultureInfo.InvariantCulture)),
            ("weekly", policy.Weekly, time => $"{ISOWeek.GetYear(time)}-{ISOWeek.GetWeekOfYear(time)}"),
            ("monthly", policy.Monthly, time => time.ToString("yyyyMM", CultureInfo.InvariantCulture)),
            ("yearly", policy.Yearly, time => time.ToString("yyyy", CultureInfo.InvariantCulture)),
        ];
        var left = rules.Select(rule => rule.Count).ToArray();
        var periods = new string?[rules.Length];
        var judged = new List<JudgedDump>();
        for (var i = dumps.Count - 1; i >= 0; i--)
        {
            var dump = dumps[i];
            var reasons = needed[dump.Slot].ToList();
            if (!policy.Keeps)
            {
                reasons.Add("no retention is set");
            }

            if (dumps.Count - i <= policy.Last)
            {
                reasons.Add("last");
            }

            for (var rule = 0; rule < rules.Length; rule++)
            {
                var period = rules[rule].Period(dump.At.UtcDateTime);
                if (left[rule] > 0 && period != periods[rule])
                {
                    left[rule]--;
                    periods[rule] = period;
                    reasons.Add(rules[rule].Name);
                }
            }

            judged.Add(new JudgedDump(dump, reasons));
        }

        judged.Reverse();
        return judged;
    }
}
