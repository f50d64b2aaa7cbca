using System.Collections.Immutable;
using System.Text;
using ClusterFs.Archive.Capture;
using ClusterFs.Configuration;
using ClusterFs.Content.Placing;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Seeded;

/// <summary>
/// All seeded files of this node. Each call looks at shared storage and may hang with it, and runs commands: it belongs on a thread of its own,
/// one call at a time. <see cref="States"/> may be read from anywhere.
/// </summary>
public sealed class SeededFiles
{
    /// <summary>What <see cref="SeededWait.What"/> is while a template is looked at.</summary>
    public const string SharedStorage = "shared storage";

    /// <summary>How long a template has to stay as it is before it is used: somebody may be writing it.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan TimerSlack = TimeSpan.FromMilliseconds(20);

    /// <summary>Above any configuration file that is worth a look at what would change in it.</summary>
    private const long MostCompared = 4 << 20;

    private readonly Settings _settings;
    private readonly SharedTemplates _templates;
    private readonly Action<SeededNews, string, string, string> _tell;
    private readonly ImmutableArray<Watched> _files;
    private readonly TimeProvider _time;
    private readonly TimeSpan _quiet;
    private ImmutableArray<SeededState> _states;
    private volatile SeededWait? _wait;

    /// <param name="tell">Gets what happened, to which service and file, and words for it.</param>
    public SeededFiles(Settings settings, TimeProvider time, Action<SeededNews, string, string, string> tell)
        : this(settings, time, tell, Quiet, _ => { })
    {
    }

    internal SeededFiles(
        Settings settings, TimeProvider time, Action<SeededNews, string, string, string> tell, TimeSpan quiet, Action<string> reached)
    {
        _settings = settings;
        _quiet = quiet;
        _time = time;
        _tell = tell;
        _templates = new SharedTemplates(settings.Shared.Path);
        var records = new SeedRecords(settings.Node.SeededDirectory);
        _files =
        [
            .. settings.Services.Values
                .Where(service => service.Nodes.Contains(settings.Node.Name))
                .SelectMany(service => service.Seeded.Select(file => new Watched(
                    new SeededFile(file, service.Name, settings.Node.Name, records, time, reached), time))),
        ];

        // Without a look at any disk: whoever begins must not hang with one.
        _states = [.. _files.Select(watched => StateOf(watched, SeededCondition.Unknown, "nobody has looked yet", kept: []))];
    }

    public bool IsEmpty => _files.IsEmpty;

    /// <summary>As of the last look at each, by service. Thread-safe.</summary>
    public ImmutableArray<SeededState> States => _states;

    /// <summary>What the call that is under way waits for; null while it waits for nothing that may hang. Thread-safe.</summary>
    public SeededWait? Waiting => _wait;

    /// <summary>Renders what is due by itself: what template or values changed of, and what a crash or a failure left.</summary>
    /// <returns>Whether something was just changed and should be looked at again soon.</returns>
    public bool RenderDue(CancellationToken cancellation)
    {
        var soon = false;
        foreach (var service in ByService(_files))
        {
            soon = TendAll(service, asked: false, cancellation) || soon;
        }

        return soon;
    }

    /// <summary>Renders whatever differs from its rendering, local edits included: those are kept aside.</summary>
    /// <param name="service">Only of this service; null for all.</param>
    /// <returns>How each of them is now.</returns>
    public ImmutableArray<SeededState> Render(string? service, CancellationToken cancellation)
    {
        var chosen = Of(service);
        AwaitQuiet(chosen, cancellation);
        foreach (var files in ByService(chosen))
        {
            TendAll(files, asked: true, cancellation);
        }

        return [.. _states.Where(state => service is null || state.Service == service)];
    }

    /// <summary>What <see cref="Render"/> would change. Changes nothing.</summary>
    public ImmutableArray<SeededDifference> Compare(string? service) => [.. Of(service).Select(Compare)];

    private ImmutableArray<Watched> Of(string? service) => [.. _files.Where(watched => service is null || watched.File.Service == service)];

    private static IEnumerable<ImmutableArray<Watched>> ByService(ImmutableArray<Watched> files) =>
        files.GroupBy(watched => watched.File.Service, (_, its) => its.ToImmutableArray());

    /// <summary>All of one service, with its reloads: they wait for no other service's checks.</summary>
    private bool TendAll(ImmutableArray<Watched> files, bool asked, CancellationToken cancellation)
    {
        var soon = false;
        foreach (var watched in files)
        {
            soon = Tend(watched, asked, cancellation) || soon;
        }

        ReloadDue(files, asked, cancellation);
        return soon;
    }

    /// <summary>Waits, once for all of them, until templates that were just written may be used.</summary>
    private void AwaitQuiet(ImmutableArray<Watched> files, CancellationToken cancellation)
    {
        var isNew = false;
        foreach (var watched in files)
        {
            try
            {
                var identity = Look(watched.File);
                watched.Template.Note(identity);
                isNew |= !watched.Template.HasStayed(identity, _quiet);
            }
            catch (Exception problem) when (!IsEnd(problem, cancellation))
            {
                // It is found again, and told of, when the file's turn comes.
            }
        }

        if (isNew)
        {
            cancellation.WaitHandle.WaitOne(_quiet + TimerSlack);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private bool Tend(Watched watched, bool asked, CancellationToken cancellation)
    {
        var file = watched.File;
        try
        {
            Report(watched, file.Open());
            var identity = Look(file);
            if (!watched.Template.HasStayed(identity, _quiet))
            {
                // Somebody may be writing it.
                watched.Template.Note(identity);
                if (!asked)
                {
                    return true;
                }

                var template = _templates.PathOf(file.Settings.Template);
                throw new SeedException($"{template}: somebody is writing it; it is used once it has stayed as it is for {_quiet.TotalSeconds:0.###} s");
            }

            Apply(watched, Render(watched, identity), asked, cancellation);
        }
        catch (SharedAwayException away)
        {
            watched.Template.Forget();
            Fail(watched, SeededCondition.Unknown, $"{away.Message}; what is on this node stays");
        }
        catch (Exception problem) when (!IsEnd(problem, cancellation))
        {
            Fail(watched, SeededCondition.Stale, WordsFor(problem));
        }

        return false;
    }

    private static bool IsEnd(Exception problem, CancellationToken cancellation) =>
        problem is OperationCanceledException && cancellation.IsCancellationRequested;

    /// <summary>A mistake at one file is told of, and keeps no other from being looked after.</summary>
    private static string WordsFor(Exception problem) => problem is PlacingException or IOException or UnauthorizedAccessException
        ? problem.Message
        : $"unexpected: {problem.GetType().Name}: {problem.Message}";

    private PlacedAttributes Wanted(SeededFile file, bool anew) =>
        Wait($"the look-up of the owner of {file.Settings.Path}", () => file.Wanted(anew));

    private void Apply(Watched watched, Rendering rendering, bool asked, CancellationToken cancellation)
    {
        var file = watched.File;
        var wanted = Wanted(file, anew: asked);
        var found = file.Find();
        switch (SeedRules.Decide(file.Last, rendering, wanted, found, asked))
        {
            case SeedDecision.Current current:
                if (current.IsNews)
                {
                    file.Adopt(rendering, wanted);
                }

                watched.Place.Succeeded();
                Set(watched, SeededCondition.Current, null);
                break;
            case SeedDecision.LeaveEdited edited:
                watched.Place.Succeeded();
                Set(watched, SeededCondition.Edited, $"{edited.Reason}; nothing overwrites that until template or values change");
                break;
            case SeedDecision.Place place when watched.Place.MayTry((rendering.Digest, found?.Digest ?? "")) || asked:
                Set(watched, SeededCondition.Stale, $"it is being rendered, because {place.Reason}");
                Place(watched, rendering, place, cancellation);
                break;
            case SeedDecision.Place:
                // Whatever was wrong in between, shared storage away perhaps, is not any more.
                Set(watched, SeededCondition.Stale, watched.PlaceProblem);
                break;
        }
    }

    private void Place(Watched watched, Rendering rendering, SeedDecision.Place place, CancellationToken cancellation)
    {
        var file = watched.File;
        IReadOnlyList<string> kept;
        try
        {
            var wanted = Wanted(file, anew: true);
            kept = Wait($"the check of {file.Settings.Path}", () => file.Place(rendering, wanted, place.Reason, cancellation));
        }
        catch (Exception problem) when (!IsEnd(problem, cancellation))
        {
            watched.Place.Failed();
            watched.PlaceProblem = problem is PlacingException ? problem.Message : $"{file.Settings.Path}: it cannot be written: {WordsFor(problem)}";
            throw new SeedException(watched.PlaceProblem, problem);
        }

        watched.Place.Succeeded();
        watched.Reload.Succeeded();
        watched.ReloadProblem = null;
        watched.Renderings++;
        _tell(SeededNews.Rendered, file.Service, file.Settings.Path, place.Reason);
        Report(watched, kept);
        Set(watched, SeededCondition.Current, null);
    }

    /// <summary>Files of a service that are reloaded in the same way are told of together.</summary>
    private void ReloadDue(ImmutableArray<Watched> files, bool asked, CancellationToken cancellation)
    {
        foreach (var due in files.Where(watched => watched.File.ReloadDue).GroupBy(watched => (watched.File.Service, watched.File.Settings.Reload)))
        {
            if (!asked && !due.Any(watched => watched.Reload.MayTry(("", ""))))
            {
                continue;
            }

            var environment = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["CLUSTERFS_SERVICE"] = due.Key.Service,
                ["CLUSTERFS_NODE"] = _settings.Node.Name,
            };
            CommandOutcome outcome;
            try
            {
                outcome = Wait($"the reload of {due.Key.Service}", () => BoundedCommand.OfShell(due.Key.Reload!, "/", Guid.NewGuid().ToString("N"), environment)
                    .Run(due.Max(watched => watched.File.Settings.ReloadTimeout), cancellation));
            }
            catch (Exception problem) when (!IsEnd(problem, cancellation))
            {
                outcome = new CommandOutcome(false, WordsFor(problem));
            }

            foreach (var watched in due)
            {
                NoteReload(watched, outcome);
            }
        }
    }

    private void NoteReload(Watched watched, CommandOutcome outcome)
    {
        var file = watched.File;
        try
        {
            if (outcome.Succeeded)
            {
                file.Reloaded();
                watched.Reload.Succeeded();
                watched.ReloadProblem = null;
                _tell(SeededNews.Reloaded, file.Service, file.Settings.Path, file.Settings.Reload!);
                Show(watched);
                return;
            }
        }
        catch (Exception problem) when (problem is not OperationCanceledException)
        {
            outcome = new CommandOutcome(false, $"it was run, and that cannot be remembered: {WordsFor(problem)}");
        }

        watched.Reload.Failed();
        var reason = $"{file.Settings.Path}: the file is in its place, but the reload failed, and is tried again: {outcome.Words}";
        if (watched.ReloadProblem != reason)
        {
            watched.Failures++;
            _tell(SeededNews.Failed, file.Service, file.Settings.Path, reason);
        }

        watched.ReloadProblem = reason;
        Show(watched);
    }

    private (TemplateIdentity, string) Look(SeededFile file) =>
        (Wait(SharedStorage, () => _templates.Look(file.Settings.Template)), SeedValues.HostName);

    private Rendering Render(Watched watched, (TemplateIdentity, string) identity) => watched.Template.Get(identity, () => RenderAnew(watched.File));

    private Rendering RenderAnew(SeededFile file)
    {
        var settings = file.Settings;
        var text = Wait(SharedStorage, () => _templates.Read(settings.Template).Text);
        var template = Template.Parse(text, _templates.PathOf(settings.Template));
        var values = SeedValues.Of(_settings, file.Service, SeedValues.HostName);
        var content = template.Render(values);
        return new Rendering(
            content,
            ContentDigests.Of(content),
            settings.Template,
            ContentDigests.Of(text),
            template.Names.ToImmutableSortedDictionary(name => name, name => ContentDigests.Of(Encoding.UTF8.GetBytes(values[name])), StringComparer.Ordinal));
    }

    private T Wait<T>(string what, Func<T> action)
    {
        _wait = new SeededWait(what, _time.GetTimestamp());
        try
        {
            return action();
        }
        finally
        {
            _wait = null;
        }
    }

    private SeededDifference Compare(Watched watched)
    {
        var file = watched.File;
        var path = file.Settings.Path;
        try
        {
            Report(watched, file.Open());
            var identity = Look(file);

            // Nothing is noted: a look at what would change must not put off the change.
            var rendering = watched.Template.IsKnown(identity) ? Render(watched, identity) : RenderAnew(file);
            var wanted = Wanted(file, anew: false);
            var found = file.Find();
            return SeedRules.Decide(file.Last, rendering, wanted, found, asked: true) is SeedDecision.Place place
                ? new SeededDifference(file.Service, path, place.Keep is null ? place.Reason : $"{place.Reason}; what is there would be kept aside", false, DiffOf(path, rendering, wanted, found))
                : new SeededDifference(file.Service, path, null, false, "");
        }
        catch (Exception problem) when (problem is not OperationCanceledException)
        {
            return new SeededDifference(file.Service, path, WordsFor(problem), true, "");
        }
    }

    private string DiffOf(string path, Rendering rendering, PlacedAttributes wanted, FoundFile? found)
    {
        using var handle = found is null ? null : UnlockedFile.OpenRead(path);
        if (handle is not null && RandomAccess.GetLength(handle) is var length and > MostCompared)
        {
            return $"{_settings.Node.Name}:{path} has {length} bytes, too many to be compared here\n";
        }

        var before = handle is null ? [] : ReadAll(handle);
        var diff = UnifiedDiff.Of(
            before,
            rendering.Content.Span,
            found is null ? "/dev/null" : $"{_settings.Node.Name}:{path}",
            $"{_settings.Node.Name}:{path} (from {rendering.Template})");
        return diff + (found is not null && wanted.DifferFrom(found) ? Attributes(found, wanted) : "");
    }

    private static byte[] ReadAll(SafeFileHandle handle)
    {
        var content = new byte[RandomAccess.GetLength(handle)];
        return content[..RandomAccess.Read(handle, content, 0)];
    }

    private static string Attributes(FoundFile found, PlacedAttributes wanted) =>
        $"owner and mode {found.User}:{found.Group} {Octal(found.Mode)} become {wanted.User ?? found.User}:{wanted.Group ?? found.Group} {Octal(wanted.Mode ?? found.Mode)}\n";

    private static string Octal(uint mode) => Convert.ToString(mode, 8).PadLeft(4, '0');

    private void Report(Watched watched, IReadOnlyList<string> kept)
    {
        foreach (var path in kept)
        {
            _tell(SeededNews.Kept, watched.File.Service, watched.File.Settings.Path, path);
        }
    }

    private void Fail(Watched watched, SeededCondition condition, string reason)
    {
        if (watched.Told != reason)
        {
            watched.Failures += condition == SeededCondition.Stale ? 1 : 0;
            _tell(SeededNews.Failed, watched.File.Service, watched.File.Settings.Path, reason);
        }

        Set(watched, condition, reason);
        watched.Told = reason;
    }

    private void Set(Watched watched, SeededCondition condition, string? reason)
    {
        (watched.Condition, watched.Reason) = (condition, reason);
        if (condition is SeededCondition.Current or SeededCondition.Edited)
        {
            watched.Told = null;
        }

        Show(watched);
    }

    private void Show(Watched watched)
    {
        var state = watched is { Condition: SeededCondition.Current, File.ReloadDue: true }
            ? StateOf(watched, SeededCondition.Stale, watched.ReloadProblem ?? "it is in its place, and the reload is due")
            : StateOf(watched, watched.Condition, watched.Reason);
        ImmutableInterlocked.InterlockedExchange(ref _states, _states.SetItem(_files.IndexOf(watched), state));
    }

    private static SeededState StateOf(Watched watched, SeededCondition condition, string? reason) =>
        StateOf(watched, condition, reason, watched.File.Kept);

    private static SeededState StateOf(Watched watched, SeededCondition condition, string? reason, ImmutableArray<string> kept)
    {
        var file = watched.File;
        return new SeededState(
            file.Service, file.Settings.Path, file.Settings.Template, condition, reason, file.Last?.At, file.Last?.Reason, kept)
        {
            Renderings = watched.Renderings,
            Failures = watched.Failures,
        };
    }

    /// <summary>A file, and what was seen of it.</summary>
    private sealed class Watched(SeededFile file, TimeProvider time)
    {
        public SeededFile File { get; } = file;

        public Settled<(TemplateIdentity, string), Rendering> Template { get; } = new(time);

        public Retry Place { get; } = new(time);

        public Retry Reload { get; } = new(time);

        /// <summary>Of the file, whether or not a reload is due.</summary>
        public SeededCondition Condition { get; set; } = SeededCondition.Unknown;

        public string? Reason { get; set; }

        /// <summary>Why it did not come to its place; of use while <see cref="Place"/> waits.</summary>
        public string? PlaceProblem { get; set; }

        public string? ReloadProblem { get; set; }

        /// <summary>What went wrong and was told of.</summary>
        public string? Told { get; set; }

        public long Renderings { get; set; }

        public long Failures { get; set; }
    }
}
