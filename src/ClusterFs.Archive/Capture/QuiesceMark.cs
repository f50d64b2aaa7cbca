using System.Text.Json.Serialization;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// Stands beside the live content from before its service is made to stand still until it was let go: so whoever comes after a crash knows that
/// it may stand still, and how to let it go.
/// </summary>
/// <param name="Run">Of the quiesce command, whose processes may be alive still.</param>
/// <param name="Resume">The command that belongs to the one which ran.</param>
/// <param name="TimeoutMs">Of that command.</param>
internal sealed record QuiesceMark(string Run, long Epoch, string Resume, long TimeoutMs)
{
    /// <returns>Null when there is none, or it is not what was written.</returns>
    public static QuiesceMark? TryRead(string file) => SealedJson.TryRead(file, QuiesceMarkJson.Default.QuiesceMark);

    public void Save(string file) => Durable.Replace(file, SealedJson.Write(this, QuiesceMarkJson.Default.QuiesceMark));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(QuiesceMark))]
internal sealed partial class QuiesceMarkJson : JsonSerializerContext;
