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

    public static async Task<Instant> Is(Func<Task<bool>> condition, string what, Func<string>? state = null) =>
        (await Watch(condition, what, state)).First;

    /// <summary>For deadlines: on a busy machine whoever looks comes late, and what is looked at cannot help that.</summary>
    /// <returns>A moment at which it was not so yet: that of the last look that found it so. When this was called, where no look did.</returns>
    public static async Task<Instant> LastBefore(Func<bool> condition, string what, Func<string>? state = null) =>
        (await Watch(() => Task.FromResult(condition()), what, state)).LastBefore;

    private static async Task<(Instant LastBefore, Instant First)> Watch(Func<Task<bool>> condition, string what, Func<string>? state)
    {
        using var timer = new PeriodicTimer(LookEvery);
        var begun = GuardClock.Now;
        for (var before = begun; ;)
        {
            var looked = GuardClock.Now;
            if (await condition())
            {
                return (before, GuardClock.Now);
            }

            before = looked;
            Assert.True(looked.ShortestSince(begun) < Limit, $"{what} did not happen; {state?.Invoke()}");
            _ = await timer.WaitForNextTickAsync();
        }
    }
}
