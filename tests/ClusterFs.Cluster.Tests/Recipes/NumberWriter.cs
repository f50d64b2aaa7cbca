using ClusterFs.Demo;
using ClusterFs.Posix;

namespace ClusterFs.Cluster.Tests.Recipes;

/// <summary>Writes one number after the other, and keeps a list of those that were acknowledged. Safe for concurrent readers.</summary>
internal sealed class NumberWriter : IAsyncDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan PatienceForOne = TimeSpan.FromSeconds(2);

    private readonly RecipeClient _client;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _turn = new();
    private readonly List<(long Number, TimeSpan At)> _acknowledged = [];
    private readonly Task _writing;
    private string _problem = "none";

    public NumberWriter(RecipeClient client)
    {
        _client = client;
        _writing = Task.Run(Write);
    }

    /// <summary>The numbers that were acknowledged until now.</summary>
    public IReadOnlySet<long> Acknowledged
    {
        get
        {
            lock (_turn)
            {
                return _acknowledged.Select(one => one.Number).ToHashSet();
            }
        }
    }

    /// <summary>The longest time without an acknowledgement that ended after a moment on the boot-time clock.</summary>
    public TimeSpan LongestOutageSince(TimeSpan moment)
    {
        lock (_turn)
        {
            return _acknowledged.Zip(_acknowledged.Skip(1)).Where(pair => pair.Second.At > moment).Max(pair => pair.Second.At - pair.First.At);
        }
    }

    /// <summary>Waits until so many more were acknowledged.</summary>
    public async Task UntilMore(int count, TimeSpan patience, Func<string> evidence)
    {
        var goal = Acknowledged.Count + count;
        await Eventually.True(
            $"{count} more writes are acknowledged", patience, () => Acknowledged.Count >= goal, () => $"last problem: {_problem}{Environment.NewLine}{evidence()}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _writing;
        _stop.Dispose();
        _client.Dispose();
    }

    private async Task Write()
    {
        for (var number = 1L; !_stop.IsCancellationRequested; number++)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            limit.CancelAfter(PatienceForOne);
            try
            {
                await _client.Write(number, limit.Token);
                lock (_turn)
                {
                    _acknowledged.Add((number, MachineClock.Boottime));
                }
            }
            catch (Exception problem)
            {
                _problem = problem.Message;
            }

            await Task.WhenAny(Task.Delay(Pace, _stop.Token));
        }
    }
}
