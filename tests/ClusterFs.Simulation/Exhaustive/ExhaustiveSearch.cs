namespace ClusterFs.Simulation;

/// <summary>What a search of the small world came to.</summary>
/// <param name="States">Visited, each once.</param>
/// <param name="Depth">The number of events within which all states were visited.</param>
/// <param name="Whole">There is no other state within the bounds.</param>
public sealed record ExhaustiveResult(long States, int Depth, bool Whole, string? Violation);

/// <summary>Visits every state of the small world, breadth first: whatever it does not find within its depth does not exist there.</summary>
public static class ExhaustiveSearch
{
    /// <param name="seconds">The world's time is over then.</param>
    /// <param name="most">The search ends after the depth in which so many states were passed.</param>
    public static ExhaustiveResult Run(int seconds, int restarts, int copies, long most, Bugs bugs, CancellationToken cancellation)
    {
        var begin = SmallWorld.Begin(restarts, copies, bugs).WithOwner();
        var visited = new HashSet<UInt128> { begin.Hash() };
        var level = new List<SmallWorld> { begin };
        var depth = 0;
        while (level.Count > 0 && visited.Count < most && !cancellation.IsCancellationRequested)
        {
            var next = new List<SmallWorld>();
            foreach (var batch in level.Chunk(4096))
            {
                var found = batch.AsParallel().AsOrdered().SelectMany(world => world.Next(seconds)).Select(world => (World: world, Hash: world.Hash())).ToList();
                foreach (var (world, hash) in found)
                {
                    if (!visited.Add(hash))
                    {
                        continue;
                    }

                    if (world.Violation() is { } violation)
                    {
                        return new ExhaustiveResult(visited.Count, depth + 1, false, violation);
                    }

                    next.Add(world);
                }

                if (visited.Count >= most || cancellation.IsCancellationRequested)
                {
                    return new ExhaustiveResult(visited.Count, depth, false, null);
                }
            }

            level = next;
            depth++;
        }

        return new ExhaustiveResult(visited.Count, depth, level.Count == 0, null);
    }
}
