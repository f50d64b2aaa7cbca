using System.Globalization;

namespace ClusterFs.Archive.Capture;

/// <summary>Runs the commands that capture live content, with what they are told of it. Safe for use by several threads.</summary>
/// <param name="live">The live path.</param>
/// <param name="markFile">See <see cref="QuiesceMark"/>.</param>
internal sealed class LiveCommands(CaptureSettings settings, string service, string node, string live, string markFile)
{
    private readonly Lock _resuming = new();
    private volatile string? _run;
    private volatile string? _resumeProblem;

    /// <summary>A name for the processes of one run.</summary>
    public static string NewRun() => Guid.NewGuid().ToString("N");

    /// <summary>Why the service may still stand still: the last resume failed. Null when it did not.</summary>
    public string? ResumeProblem => _resumeProblem;

    /// <summary>Makes the service stand still.</summary>
    /// <returns>What lets it go again, at the latest when it is disposed.</returns>
    /// <exception cref="LocalContentException">The command failed. The service was let go again.</exception>
    public Quiescence Quiesce(long epoch, CancellationToken cancellation)
    {
        var hooks = settings.Hooks!;
        var run = NewRun();
        _run = run;
        new QuiesceMark(run, epoch, hooks.Resume, (long)hooks.Timeout.TotalMilliseconds).Save(markFile);
        var quiescence = new Quiescence(ResumeLeft, hooks.Limit);
        try
        {
            var outcome = Command(hooks.Quiesce, live, run, epoch).Run(hooks.Timeout, cancellation);
            if (!outcome.Succeeded)
            {
                // First, so that its own failure is told too.
                quiescence.Dispose();
                throw new LocalContentException(
                    $"The quiesce hook of {service} failed, so nothing was dumped: {outcome.Words}"
                    + (ResumeProblem is { } problem ? $". {problem}" : string.Empty));
            }

            quiescence.Begin();
            return quiescence;
        }
        catch
        {
            quiescence.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Lets the service go, if anybody has made it stand still since it was let go last: this process or one that died. A resume that fails is
    /// tried again by the next call.
    /// </summary>
    public void ResumeLeft()
    {
        lock (_resuming)
        {
            try
            {
                _resumeProblem = LeftMark() is { } mark && !TryResume(mark, out var words)
                    ? $"THE RESUME HOOK OF {service} FAILED, SO IT MAY STAND STILL: {words}. It is tried again before the next dump"
                    : null;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidOperationException)
            {
                _resumeProblem = $"THE RESUME HOOK OF {service} WAS NOT RUN, SO IT MAY STAND STILL: {error.Message}";
            }
        }
    }

    /// <summary>What says that the service may stand still. A damaged one says so too, though not how to let it go: that is as configured now.</summary>
    /// <exception cref="InvalidOperationException">It is damaged, and no resume hook is configured.</exception>
    private QuiesceMark? LeftMark()
    {
        if (QuiesceMark.TryRead(markFile) is { } mark)
        {
            return mark;
        }

        if (!File.Exists(markFile))
        {
            return null;
        }

        return settings.Hooks is { } hooks
            ? new QuiesceMark(NewRun(), 0, hooks.Resume, (long)hooks.Timeout.TotalMilliseconds)
            : throw new InvalidOperationException($"{markFile} is damaged and does not say how. Resume it by hand, then delete that file");
    }

    /// <summary>Has the command write its copy.</summary>
    /// <param name="target">An empty directory.</param>
    /// <param name="run">Marks its processes.</param>
    /// <exception cref="LocalContentException">The command failed, or wrote nothing.</exception>
    public void WriteCopy(string target, string run, long epoch, CancellationToken cancellation)
    {
        var command = settings.Command!;
        var environment = EnvironmentOf(epoch);
        environment.Add("CLUSTERFS_TARGET", target);
        var outcome = BoundedCommand.OfShell(command.Text, target, run, environment).Run(command.Timeout, cancellation);
        if (!outcome.Succeeded)
        {
            throw new LocalContentException($"The capture command of {service} failed, so nothing was dumped: {outcome.Words}");
        }

        if (!Directory.EnumerateFileSystemEntries(target).Any())
        {
            throw new LocalContentException(
                $"The capture command of {service} wrote nothing into $CLUSTERFS_TARGET, so nothing was dumped. It must write a whole copy there.");
        }
    }

    private bool TryResume(QuiesceMark mark, out string words)
    {
        if (mark.Run != _run)
        {
            // A quiesce that outlived its daemon must not come after the resume.
            MarkedProcesses.Kill(mark.Run);
        }

        // The command as it is configured now may be the cure of one that failed.
        var outcome = Command(settings.Hooks?.Resume ?? mark.Resume, live, mark.Run, mark.Epoch)
            .Run(settings.Hooks?.Timeout ?? TimeSpan.FromMilliseconds(mark.TimeoutMs), CancellationToken.None);
        words = outcome.Words;
        if (outcome.Succeeded)
        {
            File.Delete(markFile);
        }

        return outcome.Succeeded;
    }

    private BoundedCommand Command(string text, string directory, string run, long epoch) =>
        BoundedCommand.OfShell(text, Directory.Exists(directory) ? directory : "/", run, EnvironmentOf(epoch));

    private Dictionary<string, string> EnvironmentOf(long epoch) => new(StringComparer.Ordinal)
    {
        ["CLUSTERFS_SERVICE"] = service,
        ["CLUSTERFS_NODE"] = node,
        ["CLUSTERFS_PATH"] = live,
        ["CLUSTERFS_EPOCH"] = epoch.ToString(CultureInfo.InvariantCulture),
    };
}
