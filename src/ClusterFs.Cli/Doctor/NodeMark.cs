using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>What a node's doctor leaves on shared storage for the others.</summary>
/// <param name="Version">Changes with every change that the others are to notice.</param>
/// <param name="At">By its wall clock, for people.</param>
/// <param name="Over">Whether that doctor has ended.</param>
/// <param name="Heard">By node, the version that it has seen of their marks.</param>
public sealed record NodeMark(string Node, string Version, DateTimeOffset At, bool Over, ImmutableSortedDictionary<string, string> Heard);

/// <summary>What a doctor saw of another node's mark.</summary>
/// <param name="Age">By wall clocks; null when there is none.</param>
/// <param name="IsRunning">Whether the doctor there runs at this moment.</param>
/// <param name="ThereAndBack">From a change here to the answer to it, by this machine's clock; null when none came.</param>
internal sealed record MarkSeen(string Node, TimeSpan? Age, bool IsRunning, TimeSpan? ThereAndBack);

/// <summary>
/// Whether the nodes see the same storage, and how late they see one another's changes. Caches of attributes and names show only between
/// machines: doctors that run at the same time answer one another through their marks.
/// </summary>
internal static class MarkCheck
{
    private const string Name = "storage across nodes";
    private const int MaxMark = 1 << 16;

    private static readonly TimeSpan LookForOthers = TimeSpan.FromSeconds(3);

    /// <summary>Who has just begun has not yet asked.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WaitForAnswers = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>One that was killed has not said that it is over.</summary>
    private static readonly TimeSpan RunsAtMost = TimeSpan.FromSeconds(30);

    /// <summary>What an older mark says may no longer be so.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromHours(1);

    /// <summary>What people do not notice.</summary>
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(3);

    public static Check Create(Settings settings, TimeProvider time) => new(Name, MountCheck.HungMeaning, MountCheck.HungRemedy, async () =>
    {
        var others = settings.Cluster.Nodes.Keys.Where(node => node != settings.Node.Name).ToList();
        try
        {
            using var directory = DoctorDirectory.Open(settings.Shared.Path, settings.Node.Name);
            return Judge(await new Exchange(directory, settings.Node.Name, others, time).RunAsync().ConfigureAwait(false)).ToList();
        }
        catch (UntrustedDirectoryException e)
        {
            return [StorageCheck.Untrusted(Name, e, settings)];
        }
    })
    {
        Patience = TimeSpan.FromSeconds(15),
    };

    /// <summary>Whether another node has lately written here: then this is storage that it sees too.</summary>
    public static bool HasFreshMark(Settings settings, TimeProvider time)
    {
        using var root = OpenDirectory.TryOpen(Path.GetDirectoryName(DoctorDirectory.PathIn(settings.Shared.Path))!);
        using var directory = root?.TryOpenBelow(DoctorDirectory.Name);
        return directory is not null && settings.Cluster.Nodes.Keys.Any(node => node != settings.Node.Name
            && FileStatus.TryRead(directory[node]) is { Kind: FileKind.File } mark
            && DateTimeOffset.UnixEpoch.AddTicks(mark.ModifiedNs / TimeSpan.NanosecondsPerTick) > time.GetUtcNow() - Fresh);
    }

    public static IEnumerable<Finding> Judge(IEnumerable<MarkSeen> marks) => marks.Select(mark => mark switch
    {
        { Age: null } => Finding.Warning(
            Name, $"no mark of {mark.Node} is here", $"{mark.Node}'s doctor has not run yet, or writes to another storage",
            $"run 'clusterfs doctor' on {mark.Node}, then here again"),
        { ThereAndBack: { } time } when time < Prompt => Finding.Ok(
            Name, $"{mark.Node} saw a change and its answer was here within {time.TotalSeconds:0.00} s", "both see the same storage, and soon"),
        { ThereAndBack: { } time } => Finding.Warning(
            Name, $"{mark.Node} saw a change and its answer was here only after {time.TotalSeconds:0.0} s", "standbys, logs and roll-outs lag by as much; nothing unsafe",
            "let attributes be cached for less time: mount options such as actimeo=1"),
        { IsRunning: true } => Finding.Warning(
            Name, $"{mark.Node}'s doctor runs too, and did not see a change within {WaitForAnswers.TotalSeconds:0} s", "standbys, logs and roll-outs lag by as much; nothing unsafe",
            "let attributes be cached for less time: mount options such as actimeo=1"),
        { Age: { } age } when age > Fresh => Finding.Warning(
            Name, $"{mark.Node}'s mark is {Display.Humane.Seconds(age.TotalSeconds)} old", "it came here then, or with a copy of the storage: it does not say what that node writes to now",
            $"run 'clusterfs doctor' on {mark.Node}, then here again"),
        _ => Finding.Ok(
            Name, $"{mark.Node}'s mark of {Display.Humane.Seconds(mark.Age.Value.TotalSeconds)} ago is here",
            "both see the same storage; how soon is measured when both doctors run at the same time"),
    });

    /// <summary>One doctor's part in it.</summary>
    internal sealed class Exchange(OpenDirectory directory, string node, IReadOnlyList<string> others, TimeProvider time)
    {
        private readonly Dictionary<string, NodeMark> _first = [];
        private readonly Dictionary<string, NodeMark> _last = [];
        private readonly Dictionary<string, (int Version, long At)> _asked = [];
        private readonly Dictionary<string, TimeSpan> _answered = [];

        /// <summary>Every one that this mark has had: who is asked later gets a later one, which may be all that somebody asked before ever sees.</summary>
        private readonly List<string> _versions = [NewVersion()];
        private long _heard = Stopwatch.GetTimestamp();

        public async Task<IReadOnlyList<MarkSeen>> RunAsync()
        {
            Look();
            Write(over: false);
            var began = Stopwatch.GetTimestamp();
            using var timer = new PeriodicTimer(LookEvery, time);
            do
            {
                if (Look())
                {
                    Write(over: false);
                }
            }
            while (IsWorthWaiting(Stopwatch.GetElapsedTime(began)) && await timer.WaitForNextTickAsync().ConfigureAwait(false));
            Write(over: true);
            return [.. others.Select(Seen)];
        }

        private bool IsWorthWaiting(TimeSpan waited) => waited < LookForOthers
            || (waited < WaitForAnswers && (Stopwatch.GetElapsedTime(_heard) < Quiet || others.Any(other => IsRunning(other) && !_answered.ContainsKey(other))));

        private MarkSeen Seen(string other) => new(
            other,
            _last.TryGetValue(other, out var mark) ? TimeSpan.FromTicks(Math.Max(0, (time.GetUtcNow() - mark.At).Ticks)) : null,
            IsRunning(other),
            _answered.TryGetValue(other, out var measured) ? measured : null);

        private bool IsRunning(string other) => _last.TryGetValue(other, out var mark) && !mark.Over
            && (mark.Version != _first.GetValueOrDefault(other)?.Version || time.GetUtcNow() - mark.At < RunsAtMost);

        /// <returns>Whether there is something to be said to the others.</returns>
        private bool Look()
        {
            var news = false;
            foreach (var other in others)
            {
                if (Read(other) is not { } mark)
                {
                    continue;
                }

                _ = _first.TryAdd(other, mark);
                if (_last.GetValueOrDefault(other)?.Version != mark.Version)
                {
                    news = true;
                    _heard = Stopwatch.GetTimestamp();
                }

                _last[other] = mark;
                if (_asked.TryGetValue(other, out var asked))
                {
                    if (_versions.IndexOf(mark.Heard.GetValueOrDefault(node, "")) >= asked.Version)
                    {
                        _ = _answered.TryAdd(other, Stopwatch.GetElapsedTime(asked.At));
                    }
                }
                else if (IsRunning(other))
                {
                    // From here on the other one looks: what it takes to answer is what the storage takes, not what it takes to be started.
                    _versions.Add(NewVersion());
                    _asked[other] = (_versions.Count - 1, Stopwatch.GetTimestamp());
                    news = true;
                }
            }

            return news;
        }

        private NodeMark? Read(string other)
        {
            try
            {
                // Neither through a link, nor held up by a pipe, that somebody put there.
                using var handle = PlainFile.OpenReadAtOnce(directory[other]);
                if (FileStatus.Read(handle) is not { Kind: FileKind.File, Size: <= MaxMark })
                {
                    return null;
                }

                using var file = new FileStream(handle, FileAccess.Read);
                return JsonSerializer.Deserialize(file, DoctorJson.Default.NodeMark);
            }
            catch (Exception e) when (e is IOException or JsonException)
            {
                // Not there yet, or being replaced on another machine: it is looked at again.
                return null;
            }
        }

        private void Write(bool over)
        {
            var heard = _last.ToImmutableSortedDictionary(mark => mark.Key, mark => mark.Value.Version, StringComparer.Ordinal);
            var mark = new NodeMark(node, _versions[^1], time.GetUtcNow(), over, heard);
            Durable.Replace(directory[node], JsonSerializer.SerializeToUtf8Bytes(mark, DoctorJson.Default.NodeMark));
        }

        private static string NewVersion() => Guid.NewGuid().ToString("N");
    }
}
