using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults.Checking;

/// <summary>A planned move that succeeded lost nothing: the next process found everything that the last one had acknowledged.</summary>
internal static class MoveRules
{
    public const string MoveLosesNothing = "a planned move loses nothing";

    public static IEnumerable<Violation> Check(Evidence evidence)
    {
        foreach (var move in evidence.Moves.Where(move => move.Epoch is not null))
        {
            var after = evidence.Lives.FirstOrDefault(life => life.Epoch == move.Epoch && life.Opened);
            var before = evidence.Lives.LastOrDefault(life => life.Epoch < move.Epoch && life.Acknowledged.Count > 0);
            if (after is null || before is null || before.Node == after.Node)
            {
                // The new owner fell before its service began, or the service was there already.
                continue;
            }

            var last = before.Acknowledged.Keys.Max();
            if (after.Base is not { } found || found.Run != before.Run || found.Number < last)
            {
                yield return new Violation(
                    MoveLosesNothing,
                    $"to {move.To}, epoch {move.Epoch}: {before.Run} had acknowledged {last}, {after.Run} found {after.Base?.ToString() ?? "nothing"}");
            }
        }
    }
}
