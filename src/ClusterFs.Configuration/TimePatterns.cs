namespace ClusterFs.Configuration;

/// <summary>
/// How a site may write the form of its own time stamps: <c>%Y %m %b %d %e %H %M %S %f %z %s</c> as in strftime, <c>%%</c> for a percent sign, all
/// else as it stands; from the beginning of the line, or anywhere in it when the first character is <c>*</c>.
/// </summary>
public static class TimePatterns
{
    private const string Letters = "YmbdeHMSfzs";

    /// <summary>What is wrong with a pattern; null when nothing is.</summary>
    public static string? ProblemOf(string text)
    {
        var seen = new HashSet<char>();
        for (var i = text.StartsWith('*') ? 1 : 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                continue;
            }

            if (++i == text.Length)
            {
                return "it ends in the middle of a conversion";
            }

            if (text[i] != '%' && !Letters.Contains(text[i], StringComparison.Ordinal))
            {
                return $"there is no conversion %{text[i]}";
            }

            if (text[i] != '%' && !seen.Add(text[i]))
            {
                return $"%{text[i]} is there twice";
            }
        }

        var hasDay = (seen.Contains('m') || seen.Contains('b')) && (seen.Contains('d') || seen.Contains('e'));
        return seen.Contains('s') || (hasDay && seen.Contains('H') && seen.Contains('M')) ? null : "it says no time";
    }
}
