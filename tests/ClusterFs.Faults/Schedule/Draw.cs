namespace ClusterFs.Faults.Schedule;

/// <summary>The random choices of one round.</summary>
internal sealed class Draw(int seed, int nodes)
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan LongestClockJump = TimeSpan.FromHours(12);

    /// <summary>The certificates of a run are new; before they were made they are not valid.</summary>
    private static readonly TimeSpan LongestClockJumpBack = TimeSpan.FromMinutes(45);

    private readonly Random _random = new(seed);

    public int Below(int bound) => _random.Next(bound);

    public TimeSpan Between(TimeSpan least, TimeSpan most) => least + ((most - least) * _random.NextDouble());

    public T Weighted<T>(IReadOnlyList<(int Weight, T Choice)> choices)
    {
        var ticket = _random.Next(choices.Sum(choice => choice.Weight));
        foreach (var (weight, choice) in choices)
        {
            ticket -= weight;
            if (ticket < 0)
            {
                return choice;
            }
        }

        throw new InvalidOperationException("there is nothing to choose from");
    }

    /// <summary>The owner more often than all others together: it is the one that matters most.</summary>
    public Target AnyNode() => Chance(70) ? Target.Owner : Other();

    public Target Other() => Target.Other(Below(nodes - 1));

    public Target NodeOrAll() => Chance(40) ? Target.Everyone : AnyNode();

    public Fault AnyPartition()
    {
        (int, Shape)[] shapes =
        [
            (4, Shape.Isolated), (3, Shape.Deaf), (3, Shape.Mute), (3, Shape.Pair), (3, Shape.FromDatabase), (3, Shape.OnlyDatabase),
            (nodes > 2 ? 3 : 0, Shape.Minority),
        ];
        return new Fault.Partition(Weighted(shapes), AnyNode(), Other()) is var cut && cut.Node == cut.Other
            ? cut with { Node = Target.Owner }
            : cut;
    }

    public Fault AnyBadLink() => new Fault.BadLink(
        Chance(25) ? Target.Database : AnyNode(),
        Chance(60) ? Below(31) : 0,
        Chance(60) ? Between(TimeSpan.FromMilliseconds(1), LongestDelay) : TimeSpan.Zero,
        Chance(40) ? Between(TimeSpan.FromMilliseconds(1), LongestDelay / 2) : TimeSpan.Zero,
        Chance(40) ? Below(31) : 0,
        Chance(40));

    public Fault AnyClockJump() =>
        new Fault.ClockJump(AnyNode(), TimeSpan.FromSeconds(Math.Round(Between(Chance(50) ? -LongestClockJumpBack : TimeSpan.Zero, LongestClockJump).TotalSeconds)));

    /// <summary>Around the TTL: a third shorter, the others up to four times as long.</summary>
    public TimeSpan LengthOf(Fault fault, TimeSpan ttl) => fault switch
    {
        Fault.Kill or Fault.RestartOfEverything or Fault.ClockJump or Fault.PlannedMove => TimeSpan.Zero,
        // A process beside a service, and its service, can be hung for ever: that proves no more than a few seconds do.
        Fault.SharedHangs => Between(ttl * 0.5, ttl * 3),
        _ => Chance(33) ? Between(ttl * 0.2, ttl * 0.9) : Between(ttl, ttl * 4),
    };

    private bool Chance(int percent) => _random.Next(100) < percent;
}
