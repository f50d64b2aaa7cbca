using System.Globalization;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Guard.SqlVoting;

/// <summary>A round as it is written down: boot, process and number.</summary>
internal static class RoundText
{
    public static string Of(RoundId round) => string.Create(CultureInfo.InvariantCulture, $"{round.BootId}/{round.Incarnation}/{round.Number}");

    /// <exception cref="FormatException">It is no round.</exception>
    public static RoundId Read(string text) =>
        text.Split('/') is [var boot, var incarnation, var number]
            ? new RoundId(boot, Guid.Parse(incarnation), long.Parse(number, CultureInfo.InvariantCulture))
            : throw new FormatException($"'{text}' is no round of renewals");
}
