namespace ClusterFs.Faults.Schedule;

/// <summary>Draws what goes wrong. The same seed draws the same rounds, however long the quiet times between them were.</summary>
/// <param name="seed">Any number.</param>
/// <param name="nodes">2 to 9.</param>
/// <param name="ttl">Of the lease: pauses and cuts are drawn shorter and longer than it.</param>
internal sealed class Nemesis(long seed, int nodes, TimeSpan ttl)
{
    /// <summary>More at once would say little about which fault did what.</summary>
    public const int MostAtOnce = 3;

    private static readonly (int Weight, Func<Draw, Fault> Make)[] Kinds =
    [
        (18, draw => new Fault.Kill(draw.AnyNode(), Part.Everything)),
        (6, draw => new Fault.Kill(draw.AnyNode(), Part.Guard)),
        (4, draw => new Fault.Kill(draw.AnyNode(), Part.Daemon)),
        (3, _ => new Fault.Kill(Target.Owner, Part.Service)),
        (3, _ => new Fault.Kill(Target.Owner, Part.Beside)),
        (5, draw => new Fault.Pause(draw.AnyNode(), Part.Guard)),
        (4, draw => new Fault.Pause(draw.AnyNode(), Part.Daemon)),
        (5, draw => new Fault.Pause(draw.AnyNode(), Part.GuardAndDaemon)),
        (2, _ => new Fault.Pause(Target.Owner, Part.Beside)),
        (18, draw => draw.AnyPartition()),
        (8, draw => draw.AnyBadLink()),
        (14, draw => new Fault.PowerCut(draw.AnyNode())),
        (3, draw => new Fault.DiskLoss(draw.AnyNode())),
        (4, _ => new Fault.DatabaseDown()),
        (3, _ => new Fault.DatabaseHangs()),
        (2, draw => new Fault.SharedReadOnly(draw.NodeOrAll())),
        (2, _ => new Fault.SharedFull()),
        (3, draw => new Fault.SharedGone(draw.NodeOrAll())),
        (3, draw => new Fault.SharedHangs(draw.NodeOrAll())),
        (5, draw => draw.AnyClockJump()),
        (2, _ => new Fault.RestartOfEverything()),
        (8, draw => new Fault.PlannedMove(draw.Other())),
    ];

    /// <param name="number">Counted from 1.</param>
    public Round RoundOf(int number)
    {
        var draw = new Draw(Mix(seed, number), nodes);
        var count = 1 + draw.Below(MostAtOnce);
        var faults = new List<PlannedFault>();
        for (var i = 0; i < count; i++)
        {
            var fault = draw.Weighted(Kinds)(draw);
            // The first begins at once; the others while it lasts, or a little later.
            var at = i == 0 ? TimeSpan.Zero : draw.Between(TimeSpan.Zero, ttl);
            var planned = new PlannedFault(at, draw.LengthOf(fault, ttl), fault);
            if (faults.TrueForAll(other => !Excludes(other.Fault, fault)))
            {
                faults.Add(planned);
            }
        }

        return new Round(number, [.. faults.OrderBy(fault => fault.At)]);
    }

    /// <summary>Faults that act on the same thing would undo each other.</summary>
    private static bool Excludes(Fault one, Fault other) => Thing(one) is { } thing && thing == Thing(other);

    private static string? Thing(Fault fault) => fault switch
    {
        Fault.PowerCut or Fault.DiskLoss => "power",
        Fault.Pause => "pause",
        Fault.DatabaseDown or Fault.DatabaseHangs => "database",
        Fault.SharedReadOnly or Fault.SharedFull or Fault.SharedGone or Fault.SharedHangs => "shared directory",
        Fault.BadLink => "link",
        Fault.ClockJump => "clock",
        Fault.RestartOfEverything => "restart",
        Fault.PlannedMove => "move",
        _ => null,
    };

    /// <summary>Not <see cref="HashCode"/>: that differs from process to process.</summary>
    private static int Mix(long seed, int number)
    {
        var mixed = unchecked(((ulong)seed * 0x9E3779B97F4A7C15UL) + ((ulong)number * 0xBF58476D1CE4E5B9UL));
        mixed ^= mixed >> 29;
        return unchecked((int)(mixed * 0x94D049BB133111EBUL >> 32));
    }
}
