using ClusterFs.Demo;
using ClusterFs.Faults.Schedule;

namespace ClusterFs.Faults.Injection;

/// <summary>What a shape of partition means for the messages between hosts.</summary>
internal static class Partitions
{
    /// <param name="shape">How the network falls apart.</param>
    /// <param name="hit">The node that is hit; for a pair and for a minority, two.</param>
    /// <param name="nodes">All nodes; the database is a host besides.</param>
    /// <returns>From whom to whom nothing passes.</returns>
    public static IReadOnlyList<(string From, string To)> WaysOf(Shape shape, IReadOnlyList<string> hit, IReadOnlyList<string> nodes)
    {
        const string database = LocalCluster.DatabaseHost;
        var rest = nodes.Append(database).Except(hit).ToList();
        return shape switch
        {
            Shape.Isolated or Shape.Minority => BothWays(hit, rest),
            Shape.Deaf => [.. rest.Select(other => (other, hit[0]))],
            Shape.Mute => [.. rest.Select(other => (hit[0], other))],
            Shape.Pair => BothWays([hit[0]], hit.Skip(1)),
            Shape.FromDatabase => BothWays(hit, [database]),
            Shape.OnlyDatabase => BothWays(hit, rest.Where(other => other != database)),
            _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "unknown shape"),
        };
    }

    private static IReadOnlyList<(string From, string To)> BothWays(IEnumerable<string> ones, IEnumerable<string> others)
    {
        var list = others.ToList();
        return [.. ones.SelectMany(one => list.SelectMany(other => new[] { (one, other), (other, one) }))];
    }
}
