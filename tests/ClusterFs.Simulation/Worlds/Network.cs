using System.Numerics;

namespace ClusterFs.Simulation;

/// <summary>What a message is, so that weather can be made for one kind alone.</summary>
[Flags]
public enum MessageKinds
{
    None = 0,
    Renew = 1,
    RenewAnswer = 2,
    Release = 4,
    Question = 8,
    QuestionAnswer = 16,
    Grant = 32,
    Drain = 64,
    Report = 128,
    Database = 256,
    Fence = 512,
    All = 1023,
}

/// <summary>What happens to messages of some kinds on some ways.</summary>
/// <param name="From">Bits of the hosts.</param>
/// <param name="To">Bits of the hosts.</param>
/// <param name="Held">The chance of a message to be held up for between <paramref name="Least"/> and <paramref name="Most"/>.</param>
public sealed record Weather(
    uint From, uint To, MessageKinds Kinds, double Loss = 0, double Duplication = 0, double Held = 0, TimeSpan Least = default, TimeSpan Most = default);

/// <summary>Carries messages between hosts: late, in any order, twice, or not at all.</summary>
public sealed class Network(Schedule schedule, SeededRandom random, TimeSpan delay)
{
    private static readonly TimeSpan Least = TimeSpan.FromMicroseconds(50);

    private readonly List<Weather> _weather = [];

    /// <summary>The number of the database's host.</summary>
    public const int Database = 15;

    public static uint Bit(int host) => 1u << host;

    public void Begin(Weather weather) => _weather.Add(weather);

    public void End(Weather weather) => _weather.Remove(weather);

    public bool IsCut(int from, int to) => from != to && _weather.Exists(weather => weather.Loss >= 1 && Applies(weather, from, to, MessageKinds.Report));

    public void Send(int from, int to, MessageKinds kind, Action deliver)
    {
        if (from == to)
        {
            schedule.After(TimeSpan.FromMicroseconds(1 + random.Below(100)), deliver);
            return;
        }

        var copies = 1;
        var held = TimeSpan.Zero;
        foreach (var weather in _weather)
        {
            if (!Applies(weather, from, to, kind))
            {
                continue;
            }

            if (weather.Loss > 0 && random.Chance(weather.Loss))
            {
                return;
            }

            // A connection to a database repeats nothing.
            if (weather.Duplication > 0 && kind != MessageKinds.Database && random.Chance(weather.Duplication))
            {
                copies++;
            }

            if (weather.Held > 0 && random.Chance(weather.Held))
            {
                held += random.Between(weather.Least, weather.Most);
            }
        }

        // A copy comes at its own time: one of the two is often the late one.
        schedule.After(held + random.Between(Least, delay), deliver);
        for (var copy = 1; copy < copies; copy++)
        {
            schedule.After((held * random.Fraction()) + random.Between(Least, delay * 10), deliver);
        }
    }

    private static bool Applies(Weather weather, int from, int to, MessageKinds kind) =>
        (weather.Kinds & kind) != 0 && (weather.From & Bit(from)) != 0 && (weather.To & Bit(to)) != 0;

    /// <summary>In words.</summary>
    public static string NamesOf(uint hosts) => BitOperations.PopCount(hosts) > 8
        ? "anyone"
        : string.Join(",", Enumerable.Range(0, 16).Where(host => (hosts & Bit(host)) != 0).Select(host => host == Database ? "database" : $"n{host + 1}"));
}
