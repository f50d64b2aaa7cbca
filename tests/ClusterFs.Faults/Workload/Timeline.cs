using System.Text;

namespace ClusterFs.Faults.Workload;

/// <summary>Reads what the processes of one service wrote down, while they write. Not for several threads at once.</summary>
internal sealed class Timeline(string directory, string service)
{
    private readonly Dictionary<string, FollowedRun> _runs = [];

    /// <summary>The last acknowledgement that has been read; null for none.</summary>
    public TimelineEntry.Acknowledged? LastAcknowledged { get; private set; }

    /// <summary>Reads what is new.</summary>
    public void Update()
    {
        if (!Directory.Exists(directory))
        {
            return;
        }

        foreach (var file in Directory.EnumerateFiles(directory, $"{service}.*"))
        {
            if (!_runs.TryGetValue(file, out var run))
            {
                _runs[file] = run = new FollowedRun(file);
            }

            foreach (var entry in run.ReadNew().OfType<TimelineEntry.Acknowledged>())
            {
                if (LastAcknowledged is null || entry.At > LastAcknowledged.At)
                {
                    LastAcknowledged = entry;
                }
            }
        }
    }

    /// <summary>What has been read so far, one life for each process that said that it is alive, the earliest first.</summary>
    public IReadOnlyList<WriterLife> Lives() =>
        [.. _runs.Values.Select(run => WriterLife.From(run.Entries)).OfType<WriterLife>().OrderBy(life => life.Began)];

    private sealed class FollowedRun(string file)
    {
        private long _offset;

        public List<TimelineEntry> Entries { get; } = [];

        public List<TimelineEntry> ReadNew()
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            stream.Seek(_offset, SeekOrigin.Begin);
            var bytes = new byte[stream.Length - _offset];
            var read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            var complete = bytes.AsSpan(0, read).LastIndexOf((byte)'\n') + 1;
            _offset += complete;
            var entries = Encoding.ASCII.GetString(bytes, 0, complete)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(TimelineEntry.Parse)
                .ToList();
            Entries.AddRange(entries);
            return entries;
        }
    }
}
