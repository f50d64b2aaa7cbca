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
    private const long Block = 4096;

    private readonly ServiceArchive _archive;
    private readonly RehearsalPlace _place;
    private readonly string _node;
    private readonly bool _counts;

    private DumpRehearsal(ServiceArchive archive, RehearsalPlace place, string node, bool counts)
    {
        _archive = archive;
        _place = place;
        _node = node;
        _counts = counts;
    }

    /// <summary>Rehearses in `.NAME.clusterfs/rehearsal` beside a live path.</summary>
    /// <param name="node">Of this node; the check is told.</param>
    public static DumpRehearsal Beside(string livePath, ServiceArchive archive, string node) =>
        new(archive, RehearsalPlace.Beside(livePath, byHand: false), node, counts: true);

    /// <summary>The same for somebody at the command line.</summary>
    /// <param name="counts">Whether it is what the daemon would do, and so remembered as that. Another dump or another check proves nothing of it.</param>
    public static DumpRehearsal ByHand(string livePath, ServiceArchive archive, string node, bool counts) =>
        new(archive, RehearsalPlace.Beside(livePath, byHand: true), node, counts);

    /// <summary>Rehearses in a directory of its own below another, which is gone afterwards: nothing is remembered.</summary>
    public static DumpRehearsal In(string directory, ServiceArchive archive, string node) =>
        new(archive, RehearsalPlace.In(directory, archive.Service), node, counts: false);

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
        RehearsalReport report;
        try
        {
            report = Rehearse(dump, check, restoring, checking, cancellation);
        }
        catch when (!_place.Lasts)
        {
            _ = Failure(_place.Vanish);
            throw;
        }

        if (_counts)
        {
            _place.Remember(_archive.Service, History().With(report));
        }

        return !_place.Lasts && Failure(_place.Vanish) is { } left
            ? report with { Problem = Sentences(report.Problem, $"{_place.Path} cannot be deleted: {left}") }
            : report;
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
            _archive.RestoreTo(dump.Content, tree, new RoomWatch(_place.Path, restoring), cancellation, alone: true);
            restore.Stop();
            if (check is not null)
            {
                checking?.Invoke();
                look = Stopwatch.StartNew();
                _place.LetReach(tree);
                problem = ProblemOf(check, BoundedCommand.OfShell(check.Text, tree, run, EnvironmentOf(dump, tree), givesWay: true), cancellation);
                look.Stop();
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            problem = error.Message;
        }
        finally
        {
            restore.Stop();
            if (Failure(() => _place.Delete(run)) is { } left)
            {
                problem = Sentences(problem, $"What was restored cannot be deleted, and takes room in {_place.Path}: {left}");
            }
        }

        cancellation.ThrowIfCancellationRequested();
        return new RehearsalReport(
            dump.Slot, _archive.Now, dump.Content.Bytes, Seconds(restore), look is null ? null : Seconds(look), problem);
    }

    /// <returns>What is wrong; null when nothing is.</returns>
    private string? ProblemOf(RehearsalCheck check, BoundedCommand command, CancellationToken cancellation)
    {
        using var full = new FullDisk(_place.Path);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, full.Token);
        try
        {
            var outcome = command.Run(check.Timeout, either.Token);
            return outcome.Succeeded ? null : $"it was restored, but its check failed: {outcome.Words}";
        }
        catch (OperationCanceledException) when (full.Found is not null && !cancellation.IsCancellationRequested)
        {
            return $"it was restored, but its check was stopped because the disk filled: {full.Found.Words}";
        }
    }

    private static string? Failure(Action deletion)
    {
        try
        {
            deletion();
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return error.Message;
        }
    }

    private static string Sentences(string? first, string second) => first is null ? second : $"{first.TrimEnd('.')}. {second}";

    private void RequireRoom(DumpRecord dump)
    {
        var room = DiskRoom.Of(_place.Path);
        var needed = dump.Content.Bytes + (dump.Content.Bytes / 10) + (dump.Content.Files * Block) + room.Reserve;
        if (room.Free < needed)
        {
            throw new LocalContentException(
                $"There is no room for a rehearsal in {_place.Path}: dump #{dump.Slot} has {dump.Content.Bytes} bytes in {dump.Content.Files} files, so "
                + $"{needed} bytes have to be free, and {room.Free} are. Make room.");
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
