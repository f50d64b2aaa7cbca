namespace ClusterFs.Configuration;

/// <summary>Guesses what somebody meant to write.</summary>
public static class Suggestion
{
    /// <summary>"did you mean 'x'? " when one of the known words is near, else an empty string.</summary>
    public static string For(string written, IEnumerable<string> known)
    {
        var nearest = known
            .Select(word => (Word: word, Distance: Distance(written, word)))
            .Where(guess => guess.Distance <= Math.Max(1, Math.Min(written.Length, guess.Word.Length) / 3))
            .OrderBy(candidate => candidate.Distance)
            .ThenBy(candidate => candidate.Word, StringComparer.Ordinal)
            .Select(candidate => candidate.Word)
            .FirstOrDefault();
        return nearest is null ? "" : $"did you mean '{nearest}'? ";
    }

    /// <summary>How many letters must be added, removed, changed or swapped with a neighbour; case and hyphens do not count.</summary>
    private static int Distance(string one, string other)
    {
        const int Longest = 64;
        if (one.Length > Longest || other.Length > Longest)
        {
            return int.MaxValue;
        }

        var a = Fold(one);
        var b = Fold(other);
        var costs = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                costs[i, j] = i == 0 || j == 0
                    ? i + j
                    : Math.Min(Math.Min(costs[i - 1, j], costs[i, j - 1]) + 1, costs[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    costs[i, j] = Math.Min(costs[i, j], costs[i - 2, j - 2] + 1);
                }
            }
        }

        return costs[a.Length, b.Length];
    }

    private static string Fold(string word) => word.Replace("_", "", StringComparison.Ordinal)
        .Replace("-", "", StringComparison.Ordinal)
        .ToLowerInvariant();
}
