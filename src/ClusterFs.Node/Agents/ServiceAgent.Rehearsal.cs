using Akka.Actor;
using ClusterFs.Archive.Rehearsal;
using ClusterFs.Lease;
using ClusterFs.Node.Content;

namespace ClusterFs.Node.Agents;

/// <summary>Carries out what <see cref="RehearsalRules"/> says.</summary>
internal sealed partial class ServiceAgent
{
    private const int LookAtRehearsalsBeats = 5;

    private CancellationTokenSource? _rehearsing;
    private bool _lookingAtRehearsals;
    private Instant? _lookedAtRehearsalsAt;

    /// <summary>Begins a rehearsal when its time has come; ends it when something else is to be done with the service.</summary>
    private void Rehearse()
    {
        if (_rehearsing is { } running && !RehearsalRules.MayRehearse(_state))
        {
            running.Cancel();
        }

        if (!RehearsalRules.IsDue(_state, Now))
        {
            return;
        }

        var self = Self;
        var rehearsing = new CancellationTokenSource();
        _rehearsing = rehearsing;
        _state = RehearsalRules.Begin(_state, Now);
        _surroundings.Rehearsals.Run(() => _content.Rehearse(progress => self.Tell(new RehearsalProgressed(progress)), rehearsing.Token))
            .PipeTo(
                self,
                success: seen => new RehearsalEnded(seen),
                failure: problem => new RehearsalEnded(new RehearsalSeen(null, problem.Message)));
    }

    private void Hear(RehearsalEnded ended)
    {
        _rehearsing?.Dispose();
        _rehearsing = null;
        _state = RehearsalRules.End(_state, ended.Seen, Now);
        if (ended.Seen is { Report: not null } or { Problem: not null })
        {
            _tally = _tally.WithRehearsal(ended.Seen is { Report.Problem: null, Problem: null });
        }

        switch (ended.Seen)
        {
            case { Report: { Problem: { } problem } failed }:
                _surroundings.Logger.RehearsalFailed(Service, $"dump {failed.Sequence}: {problem}");
                break;
            case { Report: { } passed }:
                _surroundings.Logger.RehearsalPassed(
                    Service, passed.Sequence, passed.CheckSeconds is null ? "restored" : "restored and checked", passed.Seconds);
                break;
            case { Problem: { } problem }:
                _surroundings.Logger.RehearsalFailed(Service, problem);
                break;
        }
    }

    /// <summary>Somebody may have rehearsed at the command line. The first look ends what a daemon that died had begun.</summary>
    private void LookAtRehearsals()
    {
        var now = Now;
        if (_lookingAtRehearsals
            || _rehearsing is not null
            || (_lookedAtRehearsalsAt is { } at && now.ShortestSince(at) < _state.Settings.Pace.Every * LookAtRehearsalsBeats))
        {
            return;
        }

        _lookingAtRehearsals = true;
        _lookedAtRehearsalsAt = now;
        _surroundings.LooksAtContent.Run(_content.LookAtRehearsals).PipeTo(
            Self,
            success: history => new RehearsalsLookedAt(history),
            failure: _ => new RehearsalsLookedAt(null));
    }

    private void Hear(RehearsalsLookedAt looked)
    {
        _lookingAtRehearsals = false;
        if (looked.History is null && _state.Rehearsal.DueAt is not null)
        {
            return;
        }

        // What cannot be read is said by the rehearsal that will meet it too.
        var history = looked.History ?? RehearsalHistory.None;
        var age = history.Last is { } last ? _surroundings.Time.GetUtcNow() - last.At : TimeSpan.Zero;
        _state = RehearsalRules.Remember(_state, history, age, Now);
    }

    private sealed record RehearsalProgressed(string? Progress);

    private sealed record RehearsalEnded(RehearsalSeen Seen);

    /// <param name="History">Null when it could not be read.</param>
    private sealed record RehearsalsLookedAt(RehearsalHistory? History);
}
