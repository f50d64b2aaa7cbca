using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Faults.Workload;

/// <summary>The service that <c>clusterfs run</c> starts: writes numbered records as long as it lives, and says so on the timeline.</summary>
internal sealed class Writer : IDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    private readonly WriterOptions _options;
    private readonly string _run = Guid.NewGuid().ToString("N")[..12];
    private readonly SafeFileHandle _timeline;
    private readonly ManualResetEventSlim _stop = new();

    private Writer(WriterOptions options)
    {
        _options = options;
        Directory.CreateDirectory(options.Timeline);
        _timeline = File.OpenHandle(
            Path.Combine(options.Timeline, $"{options.Service}.{options.Node}.{_run}"), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
    }

    /// <summary>Returns after SIGTERM.</summary>
    public static int Run(WriterOptions options)
    {
        using var writer = new Writer(options);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            writer._stop.Set();
        });
        writer.Write();
        return 0;
    }

    public void Dispose()
    {
        _timeline.Dispose();
        _stop.Dispose();
    }

    private void Write()
    {
        var epoch = Environment.GetEnvironmentVariable("CLUSTERFS_EPOCH");
        Note(new TimelineEntry.Alive(
            _run, MachineClock.Boottime, _options.Node, epoch is null ? 0 : long.Parse(epoch, CultureInfo.InvariantCulture)));
        RecordStore.AddBallast(_options.Data, _options.Ballast);
        using (var store = RecordStore.Open(_options.Data))
        {
            Note(new TimelineEntry.Opened(_run, MachineClock.Boottime, store.Last()));
            for (var number = 1L; !_stop.Wait(Pace); number++)
            {
                Note(new TimelineEntry.Trying(_run, MachineClock.Boottime, number));
                store.Add(new Record(_run, number));
                Note(new TimelineEntry.Acknowledged(_run, MachineClock.Boottime, number));
            }
        }

        Note(new TimelineEntry.Ended(_run, MachineClock.Boottime));
    }

    /// <summary>One call of write: it is in the kernel's hands when this returns, and outlives this process.</summary>
    private void Note(TimelineEntry entry) =>
        RandomAccess.Write(_timeline, Encoding.ASCII.GetBytes(entry.Format() + "\n"), RandomAccess.GetLength(_timeline));
}

/// <param name="Service">Its name.</param>
/// <param name="Node">Where it runs.</param>
/// <param name="Data">Its live directory.</param>
/// <param name="Timeline">A directory outside of every node.</param>
/// <param name="Ballast">Bytes that lie beside the records and never change.</param>
internal sealed record WriterOptions(string Service, string Node, string Data, string Timeline, long Ballast);
