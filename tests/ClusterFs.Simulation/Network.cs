namespace ClusterFs.Simulation;

/// <summary>Carries messages between hosts: late, in any order, twice, or not at all.</summary>
public sealed class Network(Schedule schedule, SeededRandom random)
{
    private readonly HashSet<(string From, string To)> _cut = [];

    public double Loss { get; set; }

    public double Duplication { get; set; }

    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(2);

    public void Cut(string from, string to) => _cut.Add((from, to));

    public void Heal()
    {
        _cut.Clear();
        Loss = 0;
        Duplication = 0;
        Delay = TimeSpan.FromMilliseconds(2);
    }

    public void Send(string from, string to, Action deliver)
    {
        if (from == to)
        {
            schedule.After(TimeSpan.FromMicroseconds(random.Below(200)), deliver);
            return;
        }

        var copies = random.Chance(Duplication) ? 2 : 1;
        for (var copy = 0; copy < copies; copy++)
        {
            if (_cut.Contains((from, to)) || random.Chance(Loss))
            {
                continue;
            }

            schedule.After(random.Between(TimeSpan.FromMicroseconds(50), Delay), () =>
            {
                // A cut takes what is on the way as well, half of the time: cables do, queues do not.
                if (!_cut.Contains((from, to)) || random.Chance(0.5))
                {
                    deliver();
                }
            });
        }
    }
}
