namespace ClusterFs.Simulation;

/// <summary>
/// Several faults that belong together: what a rule of the lease is there for, and what faults that are drawn apart seldom come to.
/// </summary>
internal static class Burst
{
    /// <summary>As long as messages are held up at most, for the kinds that know of it.</summary>
    private const int Long = 18;

    /// <summary>As the multiplier of grants and fences: none comes before two or three TTL have passed.</summary>
    private const int VeryLong = 30;

    public static TimeSpan Every(Profile profile, TimeSpan ttl) => profile switch
    {
        Profile.OppositeClocks => ttl * 5,
        Profile.Forgetful => ttl * 6,
        Profile.DatabaseVote => ttl * 6,
        _ => ttl * 12,
    };

    /// <returns>Nothing for a profile whose faults are drawn apart.</returns>
    public static IEnumerable<Fault> Draw(Profile profile, TimeSpan at, TimeSpan ttl, int nodes, SeededRandom random) => profile switch
    {
        Profile.LateGrants => LateGrant(at, ttl, nodes, random),
        Profile.Reborn => Reborn(at, ttl, nodes, random),
        Profile.Forgetful => Forgetful(at, ttl, nodes, random),
        Profile.OppositeClocks => CutOffInTurn(at, ttl, nodes, random),
        Profile.DatabaseVote => DatabaseDecides(at, ttl, nodes, random),
        Profile.SplitFences => SplitFence(at, ttl, nodes, random),
        Profile.SecondHearings => SecondHearing(at, ttl, nodes, random),
        _ => [],
    };

    /// <summary>A node hears of its grant long after; the others decide on another meanwhile, and then forget, or lose, what they knew.</summary>
    private static IEnumerable<Fault> LateGrant(TimeSpan at, TimeSpan ttl, int nodes, SeededRandom random)
    {
        var late = random.Chance(0.7) ? 0 : random.Below(nodes);
        for (var node = 0; node < nodes; node++)
        {
            yield return new Fault(at, TimeSpan.Zero, FaultKind.ServiceFails, node, 0, 0);
        }

        yield return new Fault(at, ttl * 1.5, FaultKind.GrantsHeld, late, Long + 1, 0.2 + (random.Fraction() * 0.6));
        if (random.Chance(0.5))
        {
            yield return new Fault(at + (ttl * (0.2 + (random.Fraction() * 0.6))), ttl * (1 + random.Fraction()), FaultKind.CutOff, late, 0, 0);
        }

        if (random.Chance(0.4))
        {
            yield return new Fault(at + (ttl * 0.5), ttl * 1.5, FaultKind.FencesHeld, random.Below(nodes), Long, random.Fraction());
            yield return new Fault(at + (ttl * 0.5), ttl * 1.5, FaultKind.FencesHeld, random.Below(nodes), Long, random.Fraction());
        }

        var forget = at + (ttl * (1 + (random.Fraction() * 1.5)));
        for (var node = 0; node < nodes; node++)
        {
            if (node != late && random.Chance(0.8))
            {
                var kind = random.Pick<FaultKind>([FaultKind.GuardKilled, FaultKind.PowerCut, FaultKind.VoterDiskLost]);
                var lasts = random.Chance(0.3) ? ttl * 4 : ttl * (0.02 + (random.Fraction() * 0.5));
                yield return new Fault(forget + (ttl * (random.Fraction() * 0.1)), lasts, kind, node, 0, 0);
            }
        }

        if (random.Chance(0.6))
        {
            yield return new Fault(forget + (ttl * ((random.Fraction() * 0.4) - 0.2)), ttl * (2 + (random.Fraction() * 2)), FaultKind.DatabaseAway, 0, 0, 0);
        }
    }

    /// <summary>
    /// A node hears of its grant long after, and the fence that was to end it has not reached all voters: the others have yet to hear of it, or
    /// do not hear the next owner either, while the late one's own voter loses what it knew.
    /// </summary>
    private static IEnumerable<Fault> SplitFence(TimeSpan at, TimeSpan ttl, int nodes, SeededRandom random)
    {
        var late = random.Below(nodes);
        for (var node = 0; node < nodes; node++)
        {
            yield return new Fault(at, TimeSpan.Zero, FaultKind.ServiceFails, node, 0, 0);
        }

        if (random.Chance(0.5))
        {
            // Nor does the next owner hear of its grant, which would do the fence's work.
            yield return new Fault(at, ttl * 4, FaultKind.GrantsHeld, late, VeryLong, random.Fraction() * 0.4);
            for (var node = 0; node < nodes; node++)
            {
                yield return new Fault(at, ttl * 4, FaultKind.FencesHeld, node, VeryLong, 1);
            }

            yield break;
        }

        yield return new Fault(at, ttl * 1.2, FaultKind.GrantsHeld, late, VeryLong + 1, random.Fraction() * 0.4);
        var apart = (late + 1 + random.Below(nodes - 1)) % nodes;
        for (var node = 0; node < nodes; node++)
        {
            if (node != late && node != apart)
            {
                yield return new Fault(at + (ttl * 0.5), ttl * 5, FaultKind.CutBetween, node, apart, 0);
            }
        }

        yield return new Fault(at + (ttl * (1.1 + random.Fraction())), TimeSpan.FromMilliseconds(10 + random.Below(200)), FaultKind.VoterDiskLost, late, 0, 0);
    }

    /// <summary>A node hears of its grant, runs, ends, and hears of the same grant again, while nobody can decide on the next.</summary>
    private static IEnumerable<Fault> SecondHearing(TimeSpan at, TimeSpan ttl, int nodes, SeededRandom random)
    {
        for (var node = 0; node < nodes; node++)
        {
            yield return new Fault(at, TimeSpan.Zero, FaultKind.ServiceFails, node, 0, 0);
        }

        var heard = random.Below(nodes);
        yield return new Fault(at, ttl * 4, FaultKind.GrantsHeld, heard, 1, random.Fraction());
        yield return new Fault(at + (ttl * (1.2 + random.Fraction())), ttl * (1 + (random.Fraction() * 2)), FaultKind.DatabaseAway, 0, 0, 0);
        for (var end = 0; end < 4; end++)
        {
            yield return new Fault(at + (ttl * (1 + (random.Fraction() * 2.5))), TimeSpan.Zero, FaultKind.ServiceFails, heard, 0, 0);
        }
    }

    /// <summary>A guard restarts in the middle of its rounds, and the answers to its predecessor, and the grant once more, come to it.</summary>
    private static IEnumerable<Fault> Reborn(TimeSpan at, TimeSpan ttl, int nodes, SeededRandom random)
    {
        var node = random.Chance(0.7) ? 0 : random.Below(nodes);
        for (var other = 0; other < nodes; other++)
        {
            yield return new Fault(at, TimeSpan.Zero, FaultKind.ServiceFails, other, 0, 0);
        }

        yield return new Fault(at, ttl * 3, FaultKind.GrantsHeld, node, Long + 1, 0.4 + (random.Fraction() * 0.6));
        yield return new Fault(at, ttl * 4, FaultKind.AcksHeld, node, 0, 0.6 + (random.Fraction() * 0.4));
        yield return new Fault(at + (ttl * (1 + (random.Fraction() * 2))), ttl * (0.2 + (random.Fraction() * 2.3)), FaultKind.GuardKilled, node, 0, 0);
    }

    /// <summary>An owner is cut off, and the others restart before its lease has run out.</summary>
    private static IEnumerable<Fault> Forgetful(TimeSpan at, TimeSpan ttl, int nodes, SeededRandom random)
    {
        var owner = random.Below(nodes);
        yield return new Fault(at, ttl * 2, FaultKind.CutOff, owner, 0, 0);
        var restart = at + (ttl * (random.Fraction() * 0.9));
        for (var node = 0; node < nodes; node++)
        {
            if (node != owner)
            {
                yield return new Fault(
                    restart + (ttl * (random.Fraction() * 0.05)), TimeSpan.FromMilliseconds(10 + random.Below(200)), FaultKind.GuardKilled, node, 0, 0);
            }
        }
    }

    /// <summary>The node whose clocks are slow is cut off; then the service is moved back to it.</summary>
    private static IEnumerable<Fault> CutOffInTurn(TimeSpan at, TimeSpan ttl, int nodes, SeededRandom random)
    {
        var slow = random.Chance(0.8) ? 0 : random.Below(nodes);
        yield return new Fault(at + (ttl * random.Fraction()), ttl * 2.2, random.Chance(0.7) ? FaultKind.CutOff : FaultKind.GuardPaused, slow, 0, 0);
        yield return new Fault(at + (ttl * 4.2), TimeSpan.Zero, FaultKind.MoveAsked, slow, 0, 0);
    }

    /// <summary>Nodes cannot hear each other, so the vote in the database decides between them.</summary>
    private static IEnumerable<Fault> DatabaseDecides(TimeSpan at, TimeSpan ttl, int nodes, SeededRandom random)
    {
        var one = random.Below(nodes);
        yield return new Fault(at, ttl * (1.5 + (random.Fraction() * 3)), FaultKind.CutBetween, one, one + 1, random.Fraction());
        var hit = at + (ttl * (random.Fraction() * 4));
        yield return random.Below(5) switch
        {
            0 => new Fault(hit, ttl * 2, FaultKind.CutFromDatabase, random.Below(nodes), 0, 0),
            1 => new Fault(hit, ttl * 2, FaultKind.DatabaseSlow, 0, 0, random.Fraction()),
            2 => new Fault(hit, ttl * 3, FaultKind.DatabaseSilent, 0, 0, random.Fraction()),
            3 => new Fault(hit, TimeSpan.FromMilliseconds(50), FaultKind.GuardKilled, random.Below(nodes), 0, 0),
            _ => new Fault(hit, ttl, FaultKind.DatabaseAway, 0, 0, 0),
        };
        yield return new Fault(at + (ttl * (random.Fraction() * 4)), TimeSpan.FromSeconds(1), FaultKind.RatesChanged, random.Below(nodes), random.Below(2), random.Fraction());
    }
}
