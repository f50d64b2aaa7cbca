using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.SqlVoter;

namespace ClusterFs.Simulation;

/// <summary>Draws a scenario from a seed.</summary>
public static class ScenarioDraw
{
    private static readonly ImmutableArray<FaultKind> Everything =
        [.. Enum.GetValues<FaultKind>().Where(kind => kind < FaultKind.BystanderLost)];

    private static readonly ImmutableArray<FaultKind> ForBystanders =
        [.. Enum.GetValues<FaultKind>().Where(kind => kind is >= FaultKind.BystanderLost and <= FaultKind.SharedLost)];

    /// <summary>During which one voter after the other says that its promise has expired, and earlier answers stay the last ones.</summary>
    private static readonly ImmutableArray<FaultKind> Silences = [FaultKind.BystanderCutFromOwner, FaultKind.BystanderCutFromNodes];

    /// <summary>By profile: what it draws from, more often what stands there more often.</summary>
    private static readonly ImmutableDictionary<Profile, ImmutableArray<FaultKind>> Kinds = new Dictionary<Profile, ImmutableArray<FaultKind>>
    {
        [Profile.Everything] = Everything,
        [Profile.Razor] =
        [
            FaultKind.CutOff, FaultKind.CutOff, FaultKind.CutOff, FaultKind.CutOneWay, FaultKind.CutOneWay, FaultKind.CutBetween, FaultKind.CutBetween,
            FaultKind.GuardPaused, FaultKind.GuardKilled, FaultKind.RatesChanged, FaultKind.RatesChanged,
        ],
        [Profile.LateMessages] =
        [
            FaultKind.KindHeld, FaultKind.KindHeld, FaultKind.KindHeld, FaultKind.GrantsHeld, FaultKind.AcksHeld, FaultKind.AcksHeld, FaultKind.BadLinks, FaultKind.CutOneWay, FaultKind.CutBetween,
            FaultKind.CutOff, FaultKind.GuardKilled, FaultKind.GuardPaused, FaultKind.ServiceFails, FaultKind.MoveAsked,
        ],
        [Profile.Restarts] =
        [
            FaultKind.GuardKilled, FaultKind.GuardKilled, FaultKind.GuardKilled, FaultKind.GuardKilled, FaultKind.PowerCut, FaultKind.GrantsHeld,
            FaultKind.GrantsHeld, FaultKind.AcksHeld, FaultKind.CutOneWay, FaultKind.CutOff, FaultKind.CutBetween,
        ],
        [Profile.LostDisks] =
        [
            FaultKind.VoterDiskLost, FaultKind.VoterDiskLost, FaultKind.VoterDiskLost, FaultKind.DiskLost, FaultKind.GrantsHeld, FaultKind.GrantsHeld,
            FaultKind.CutOff, FaultKind.CutBetween, FaultKind.CutOneWay, FaultKind.GuardKilled, FaultKind.PowerCut, FaultKind.KindHeld,
        ],
        [Profile.Journal] =
        [
            FaultKind.IncarnationStarted, FaultKind.IncarnationStarted, FaultKind.IncarnationStarted, FaultKind.IncarnationPausedAtStep,
            FaultKind.IncarnationPausedAtStep, FaultKind.IncarnationKilledAtStep, FaultKind.DatabaseAway, FaultKind.DatabaseSlow, FaultKind.DatabaseSlow,
            FaultKind.DatabaseSilent, FaultKind.DatabaseSilent, FaultKind.CutOff, FaultKind.ServiceFails, FaultKind.DaemonPaused, FaultKind.CutFromDatabase,
        ],
        [Profile.Operations] =
        [
            FaultKind.MoveAsked, FaultKind.MoveAsked, FaultKind.MoveAsked, FaultKind.PauseAsked, FaultKind.PlacementNoted, FaultKind.PlacementNoted, FaultKind.DaemonKilled, FaultKind.DaemonKilled,
            FaultKind.ServiceFails, FaultKind.GuardKilled, FaultKind.KindHeld, FaultKind.BadLinks,
        ],
        [Profile.Archive] =
        [
            FaultKind.SharedAway, FaultKind.SharedSilent, FaultKind.SharedSilent, FaultKind.SharedStale, FaultKind.SharedStale, FaultKind.SharedStale,
            FaultKind.DaemonKilledAtStep, FaultKind.DaemonPaused, FaultKind.CutOff, FaultKind.PowerCut, FaultKind.MoveAsked, FaultKind.ServiceFails,
            FaultKind.DiskLost, FaultKind.ContentAdopted, FaultKind.ContentAdopted, FaultKind.DumpsPruned,
        ],
        [Profile.Configuration] =
        [
            FaultKind.ConfigurationRead, FaultKind.ConfigurationRead, FaultKind.ConfigurationRead, FaultKind.CutOff, FaultKind.CutOneWay, FaultKind.CutBetween,
            FaultKind.GuardKilled, FaultKind.IncarnationStarted, FaultKind.KindHeld, FaultKind.PowerCut, FaultKind.VoterDiskLost, FaultKind.MoveAsked,
        ],
        [Profile.Losses] = [FaultKind.MoveAsked, FaultKind.ServiceFails, FaultKind.IncarnationStarted, FaultKind.DaemonKilled],
        [Profile.Steps] =
        [
            FaultKind.GuardKilledAtStep, FaultKind.GuardPausedAtStep, FaultKind.DaemonKilledAtStep, FaultKind.IncarnationPausedAtStep,
            FaultKind.IncarnationKilledAtStep, FaultKind.GuardKilledAtStep, FaultKind.GuardPausedAtStep, FaultKind.CutOff, FaultKind.MoveAsked,
            FaultKind.ServiceFails, FaultKind.DiskFull,
        ],
    }.ToImmutableDictionary();

    /// <param name="profile">Null to have it drawn as well.</param>
    public static Scenario Draw(ulong seed, Profile? profile = null)
    {
        var random = new SeededRandom(seed * 0x9E3779B97F4A7C15);
        var drawn = profile ?? (Profile)random.Below(Enum.GetValues<Profile>().Length);
        var nodes = random.Below(10) switch { < 5 => 3, < 7 => 2, < 8 => 4, _ => 5 };
        if (drawn == Profile.Configuration && random.Chance(0.5))
        {
            nodes = 5;
        }
        else if (drawn == Profile.DatabaseVote)
        {
            nodes = random.Chance(0.7) ? 2 : 4;
        }

        var configurations = Configurations(drawn, nodes, random);
        var ttl = configurations.Max(configuration => configuration.Timings.Ttl);
        var fast = drawn is Profile.Razor or Profile.OppositeClocks || random.Chance(0.5);
        var extreme = drawn == Profile.Razor || random.Chance(0.5);
        var scenario = new Scenario(seed, drawn, nodes)
        {
            Configurations = configurations,
            Rates = [.. Enumerable.Range(0, nodes).Select(node => Rates(drawn, node, random, extreme))],
            HasFenceCommand = random.Chance(0.3),
            Delay = fast ? TimeSpan.FromMilliseconds(random.Chance(0.5) ? 0.3 : 2) : random.Between(TimeSpan.FromMilliseconds(5), ttl * 0.03),
        };
        var phases = ImmutableArray.CreateBuilder<Phase>();
        var faults = new List<Fault>();
        var at = TimeSpan.Zero;
        var storms = random.Chance(0.15) ? 3 : 1;
        for (var storm = 0; storm < storms; storm++)
        {
            var lasts = random.Chance(0.3) ? ttl * (4 + random.Below(6)) : TimeSpan.FromSeconds(60 + random.Below(90));
            var withstands = drawn == Profile.Losses || random.Chance(0.5);
            var phase = new Phase(at + lasts, at + lasts + Bound(ttl), at + lasts + Bound(ttl) + (withstands ? ttl * (drawn == Profile.Losses ? 40 : 24) : ttl * 2));
            phases.Add(phase);
            DrawStorm(faults, random, drawn, nodes, ttl, at + TimeSpan.FromSeconds(random.Chance(0.5) ? 0 : 4), phase.StormEnds);
            if (withstands)
            {
                DrawLosses(faults, random, drawn, ttl, phase.OwnedBy, phase.Ends);
            }

            at = phase.Ends;
        }

        return scenario with { Phases = phases.ToImmutable(), Faults = [.. faults] };
    }

    /// <summary>After everything is healed, a service with a majority has an owner within this.</summary>
    public static TimeSpan Bound(TimeSpan longestTtl) => (longestTtl * 9) + TimeSpan.FromSeconds(20);

    private static void DrawStorm(
        List<Fault> faults, SeededRandom random, Profile profile, int nodes, TimeSpan ttl, TimeSpan from, TimeSpan to)
    {
        if (!Kinds.TryGetValue(profile, out var kinds))
        {
            for (var at = from + (ttl * (0.01 + (random.Fraction() * 0.3))); at < to; at += Burst.Every(profile, ttl) * (0.7 + (random.Fraction() * 0.6)))
            {
                faults.AddRange(Burst.Draw(profile, at, ttl, nodes, random).Where(fault => fault.At < to));
            }

            return;
        }

        var pause = TimeSpan.FromSeconds(random.Pick<double>([0.7, 1.5, 3, 6]));
        for (var at = from + (pause * random.Fraction()); at < to; at += pause * (random.Fraction() * 2))
        {
            var lasts = random.Below(4) switch
            {
                0 => random.Between(TimeSpan.FromMilliseconds(10), ttl * 0.5),
                1 => random.Between(ttl * 0.5, ttl * 1.5),
                _ => random.Between(ttl, ttl * 4),
            };
            faults.Add(new Fault(at, lasts, random.Pick<FaultKind>(kinds), random.Below(nodes), random.Below(36), random.Fraction()));
        }
    }

    /// <summary>One loss after the other, each over for long enough that the owner has renewed with what came back.</summary>
    private static void DrawLosses(List<Fault> faults, SeededRandom random, Profile profile, TimeSpan ttl, TimeSpan from, TimeSpan to)
    {
        var kinds = profile == Profile.Losses ? Silences : ForBystanders;
        for (var at = from + (ttl * random.Fraction()); ;)
        {
            var lasts = ttl * (1.5 + random.Fraction());
            if (at + lasts > to)
            {
                return;
            }

            faults.Add(new Fault(at, lasts, random.Pick<FaultKind>(kinds), random.Below(36), random.Below(36), random.Fraction()));
            at += lasts + (ttl * (random.Chance(profile == Profile.Losses ? 0.9 : 0.5) ? 0.6 + (random.Fraction() * 0.4) : 1 + (random.Fraction() * 4)));
        }
    }

    private static ImmutableArray<ClusterConfiguration> Configurations(Profile profile, int nodes, SeededRandom random)
    {
        var first = new ClusterConfiguration(Voters(nodes, 0, nodes), Timings(random));
        if (profile != Profile.Configuration && !random.Chance(0.05))
        {
            return [first];
        }

        var second = first with { Timings = random.Chance(0.7) ? Timings(random) : first.Timings };
        if (nodes == 5 && random.Chance(0.7))
        {
            // Majorities of the two have nobody in common, unless somebody sees to it.
            first = first with { Voters = Voters(nodes, 0, 3) };
            second = second with { Voters = Voters(nodes, 2, 3) };
        }

        return [first, second];
    }

    private static ImmutableSortedSet<string> Voters(int nodes, int first, int count)
    {
        var names = Enumerable.Range(first, count).Select(number => $"n{number + 1}");
        return (count == nodes && count % 2 == 0 ? names.Append(SqlVoterMachine.Name) : names).ToImmutableSortedSet(StringComparer.Ordinal);
    }

    private static LeaseTimings Timings(SeededRandom random)
    {
        var ttl = TimeSpan.FromSeconds(random.Pick<double>([2, 5, 5, 8]));
        return new LeaseTimings(ttl, ttl * 0.3);
    }

    private static (double Boottime, double Monotonic) Rates(Profile profile, int node, SeededRandom random, bool extreme)
    {
        var error = node == 0 ? -LeaseTimings.RateError : LeaseTimings.RateError;
        return profile == Profile.OppositeClocks ? (1 + error, 1 + error) : (Rate(random, extreme), Rate(random, extreme));
    }

    private static double Rate(SeededRandom random, bool extreme) => random.Below(extreme ? 2 : 3) switch
    {
        0 => 1 - LeaseTimings.RateError,
        1 => 1 + LeaseTimings.RateError,
        _ => 1 + ((random.Fraction() - 0.5) * 2 * LeaseTimings.RateError),
    };
}
