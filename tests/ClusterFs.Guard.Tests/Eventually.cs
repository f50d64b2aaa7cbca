using ClusterFs.Lease;

namespace ClusterFs.Guard.Tests;

/// <summary>Waits for conditions of the real world, and says which one did not come.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(5);

    /// <returns>When it was first seen.</returns>
    public static async Task<Instant> Is(Func<bool> condition, string what, Func<string>? state = null) =>
        await Is(() => Task.FromResult(condition()), what, state);

    public static async Task<Instant> Is(Func<Task<bool>> condition, string what, Func<string>? state = null)
    {
        using var timer = new PeriodicTimer(LookEvery);
        var begun = GuardClock.Now;
        while (!await condition())
        {
            Assert.True(GuardClock.Now.ShortestSince(begun) < Limit, $"{what} did not happen; {state?.Invoke()}");
            _ = await timer.WaitForNextTickAsync();
        }

        return GuardClock.Now;
    }
}
