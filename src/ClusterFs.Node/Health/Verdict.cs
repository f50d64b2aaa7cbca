using System.Collections.Immutable;

namespace ClusterFs.Node.Health;

/// <summary>What a health route answers.</summary>
/// <param name="Status">Of HTTP.</param>
/// <param name="Word">The answer in a word or two, the first line of the text.</param>
/// <param name="Reasons">Why it is not a yes, a line each; none where it is.</param>
internal sealed record Verdict(int Status, string Word, ImmutableArray<string> Reasons)
{
    public static Verdict Yes(string word) => new(StatusCodes.Status200OK, word, []);

    public static Verdict No(string word, params ImmutableArray<string> reasons) => new(StatusCodes.Status503ServiceUnavailable, word, reasons);

    public static Verdict Unknown(string word, params ImmutableArray<string> reasons) => new(StatusCodes.Status404NotFound, word, reasons);

    public static Verdict Misunderstood(string reason) => new(StatusCodes.Status400BadRequest, "bad request", [reason]);
}
