using System.Diagnostics;

namespace ClusterFs.Demo;

/// <summary>Waits for a condition, never for a time.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks until there is an answer.</summary>
    /// <param name="what">The condition in words, for the failure message.</param>
    /// <param name="patience">How long to ask.</param>
    /// <param name="probe">Null: not yet.</param>
    /// <param name="evidence">What is known when the time is over; appended to the failure message.</param>
    /// <param name="cancelled">Ends the waiting.</param>
    /// <exception cref="ConditionNotMetException">There was no answer in time.</exception>
    public static async Task<T> Get<T>(
        string what,
        TimeSpan patience,
        Func<Task<T?>> probe,
        Func<string>? evidence = null,
        CancellationToken cancelled = default)
        where T : class
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            // Started before the probe: a condition that holds in the last moment counts, one that comes later does not.
            var over = watch.Elapsed >= patience;
            if (await probe() is { } answer)
            {
                return answer;
            }

            if (over)
            {
                throw new ConditionNotMetException(
                    $"not within {patience.TotalSeconds:0.#} s: {what}{Environment.NewLine}{evidence?.Invoke()}");
            }

            await Task.Delay(Pause, cancelled);
        }
    }

    /// <summary>Asks until the answer is yes.</summary>
    /// <exception cref="ConditionNotMetException">It was not in time.</exception>
    public static Task True(
        string what,
        TimeSpan patience,
        Func<bool> probe,
        Func<string>? evidence = null,
        CancellationToken cancelled = default) =>
        Get(what, patience, () => Task.FromResult(probe() ? what : null), evidence, cancelled);
}
