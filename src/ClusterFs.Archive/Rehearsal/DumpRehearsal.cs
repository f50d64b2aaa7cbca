using System.Diagnostics;
using System.Globalization;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Restore;

namespace ClusterFs.Archive.Rehearsal;

/// <summary>
/// Proves that a dump can be restored, by doing it: out of the archive alone, into a place of its own, and with a command that looks at what came
/// out. Neither live content nor a standby copy is read, touched or locked. Calls block on disks and on shared storage, which may hang: make them on
/// threads of their own.
/// </summary>
public sealed class DumpRehearsal
{
    /// <summary>What stays free beside the restored content: a service on the same disk writes on, and a check may write too.</summary>
    private const long LeastFree = 64L << 20;

    private readonly ServiceArchive _archive;
    private readonly RehearsalPlace _place;
    private readonly string _node;

    private DumpRehearsal(ServiceArchive archive, RehearsalPlace place, string node)
    {
        _archive = archive;
        _place = place;
        _node = node;
    }

    /// <summary>Rehearses in `.NAME.clusterfs/rehearsal` beside a live path.</summary>
    /// <param name="node">Of this node; the check is told.</param>
    public static DumpRehearsal Beside(string livePath, ServiceArchive archive, string node) => new(archive, RehearsalPlace.Beside(livePath), node);

    /// <summary>Rehearses in a directory of its own below another, which is gone afterwards: nothing is remembered.</summary>
    public static DumpRehearsal In(string directory, ServiceArchive archive, string node) => new(archive, RehearsalPlace.In(directory, archive.Service), node);

    /// <summary>Where it restores to.</summary>
    public string Place => _place.Path;

    /// <summary>The newest rehearsals there. Needs no shared storage.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public RehearsalHistory History() => _place.History(_archive.Service);

    /// <summary>Deletes what a process left that died during a rehearsal, and ends its check; one that lives is left alone. Needs no shared storage.</summary>
    public void PutInOrder() => _place.PutInOrder();

    /// <summary>Restores a dump, runs the check, deletes what was restored, and remembers how it went. Cut short, the next one deletes what is left.</summary>
    /// <param name="check">Null: that the dump can be restored is all that is proven.</param>
    /// <param name="checking">Called when the restore is done and the check begins.</param>
    /// <exception cref="RehearsalUnderWayException">Another process rehearses there.</exception>
    /// <exception cref="OperationCanceledException">Cancelled. What was restored is deleted, and nothing remembered.</exception>
    /// <exception cref="IOException">There is no place to rehearse in: it cannot be made, or not be written.</exception>
    public RehearsalReport Run(
        DumpRecord dump, RehearsalCheck? check, IProgress<RestoreProgress>? restoring, Action? checking, CancellationToken cancellation)
    {
        using var taken = _place.Take();
        try
        {
            var report = Rehearse(dump, check, restoring, checking, cancellation);
            if (_place.Lasts)
            {
                _place.Remember(_archive.Service, History().With(report));
            }

            return report;
        }
        finally
        {
            if (!_place.Lasts)
            {
                Directory.Delete(_place.Path, recursive: true);
            }
        }
    }

    private RehearsalReport Rehearse(
        DumpRecord dump, RehearsalCheck? check, IProgress<RestoreProgress>? restoring, Action? checking, CancellationToken cancellation)
    {
        var run = LiveCommands.NewRun();
        var tree = _place.TreeOf(run);
        var restore = Stopwatch.StartNew();
        Stopwatch? look = null;
        string? problem = null;
        try
        {
            RequireRoom(dump);
            _archive.RestoreTo(dump.Content, tree, restoring, cancellation);
            restore.Stop();
            if (check is not null)
            {
                checking?.Invoke();
                look = Stopwatch.StartNew();
                _place.LetReach(tree);
                var outcome = new ShellCommand(check.Text, tree, run, EnvironmentOf(dump, tree)).Run(check.Timeout, cancellation);
                look.Stop();
                problem = outcome.Succeeded ? null : $"it was restored, but its check failed: {outcome.Words}";
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            problem = error.Message;
        }
        finally
        {
            restore.Stop();
            problem = Deleted(run) is { } left ? string.Join(". ", ((string?[])[problem, left]).OfType<string>()) : problem;
        }

        cancellation.ThrowIfCancellationRequested();
        return new RehearsalReport(
            dump.Slot, _archive.Now, dump.Content.Bytes, Seconds(restore), look is null ? null : Seconds(look), problem);
    }

    /// <returns>Why it could not be deleted; null when it is.</returns>
    private string? Deleted(string run)
    {
        try
        {
            _place.Delete(run);
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"What was restored cannot be deleted, and takes room in {_place.Path}: {error.Message}";
        }
    }

    private void RequireRoom(DumpRecord dump)
    {
        var needed = dump.Content.Bytes + (dump.Content.Bytes / 10) + LeastFree;
        if (new DriveInfo(_place.Path).AvailableFreeSpace is var free && free < needed)
        {
            throw new LocalContentException(
                $"There is no room for a rehearsal in {_place.Path}: dump #{dump.Slot} has {dump.Content.Bytes} bytes, so {needed} have to be free, "
                + $"and {free} are. Make room.");
        }
    }

    /// <summary>Without CLUSTERFS_PATH, which means the live path elsewhere: nothing that looks at a copy shall find itself in that.</summary>
    private Dictionary<string, string> EnvironmentOf(DumpRecord dump, string tree) => new(StringComparer.Ordinal)
    {
        ["CLUSTERFS_SERVICE"] = _archive.Service,
        ["CLUSTERFS_NODE"] = _node,
        ["CLUSTERFS_RESTORED"] = tree,
        ["CLUSTERFS_SEQUENCE"] = dump.Slot.ToString(CultureInfo.InvariantCulture),
        ["CLUSTERFS_EPOCH"] = dump.Epoch.ToString(CultureInfo.InvariantCulture),
    };

    private static double Seconds(Stopwatch watch) => Math.Round(watch.Elapsed.TotalSeconds, 3);
}
