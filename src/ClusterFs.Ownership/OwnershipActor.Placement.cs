using ClusterFs.Lease;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership;

/// <content>Where the service would rather be: looked at with each report, so as often as anything is known anew, and every second where others matter.</content>
public sealed partial class OwnershipActor
{
    private static readonly TimeSpan LookAroundEvery = TimeSpan.FromSeconds(1);

    /// <summary>Whoever has not said anything for longer may have gone anywhere.</summary>
    private static readonly TimeSpan OthersCountFor = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, (Neighbour Said, Instant At)> _others = new(StringComparer.Ordinal);
    private FailbackWatch _failback = FailbackWatch.Begin;
    private CompanyWatch _company = CompanyWatch.Begin;
    private Instant _recoveredAt;

    private void BeginCompany()
    {
        _recoveredAt = _surroundings.Clock();
        if (!_settings.Company.IsNone)
        {
            Timers.StartPeriodicTimer(LookAround.Instance, LookAround.Instance, TimeSpan.Zero, LookAroundEvery);
        }
    }

    private void AskCompany()
    {
        foreach (var other in _settings.Company.Others(_settings.Service))
        {
            _surroundings.AskOther(new GetOwnership(other), Self);
        }
    }

    private void Hear(OwnershipView other)
    {
        // What moves is about to end where it is.
        var runs = other is { Stage: OwnershipStage.Owned, MovingTo: null };
        _others[other.Service] = (
            new Neighbour(other.Service, other.Owner, runs, [.. other.Candidates])
            {
                IsSilent = other.Reason is not null,
                Stays = other.Paused || other.Damped || other.MovingTo is not null,
            },
            _surroundings.Clock());
        Place();
    }

    private void Place()
    {
        if (_finished)
        {
            return;
        }

        if (!_settings.Company.IsNone)
        {
            var now = _surroundings.Clock();
            Drive(new PlacementNoted(CompanyRules.Place(State, Others(now), now.LongestSince(_recoveredAt))));
        }

        (_company, var apart) = LookAtCompany();
        (_failback, var away) = LookAtFailback();
        if (apart is { Hindrance: null })
        {
            _surroundings.Logger.GoesTogether(_settings.Service, apart.Node, apart.With);
            Drive(new MoveRequested(Guid.NewGuid(), apart.Node) { Why = MoveReason.Together });
        }
        else if (away is { Hindrance: null })
        {
            _surroundings.Logger.GoesBack(_settings.Service, away.To);
            Drive(new MoveRequested(Guid.NewGuid(), away.To) { Why = MoveReason.Failback });
        }
    }

    private Dictionary<string, Neighbour> Others(Instant now) => _others
        .Where(other => now.LongestSince(other.Value.At) < OthersCountFor)
        .ToDictionary(other => other.Key, other => other.Value.Said, StringComparer.Ordinal);

    private (CompanyWatch Watch, CompanyStanding? Standing) LookAtCompany()
    {
        var now = _surroundings.Clock();
        return CompanyRules.Look(State, _company, Others(now), now);
    }

    private (FailbackWatch Watch, FailbackStanding? Standing) LookAtFailback()
    {
        var now = _surroundings.Clock();
        return FailbackRules.Look(
            State,
            _failback,
            !_settings.Failback.NeedsCopy || StandbyCopies.IsCurrent([.. _sights.Values.Select(heard => heard.Sight)], _settings.Nodes[0], _settings.Pace),
            CompanyRules.CanAllBeOn(_settings, Others(now), _settings.Nodes[0]),
            now,
            TimeOnly.FromDateTime(_surroundings.Time.GetLocalNow().DateTime));
    }

    private PlacementTold TellPlacement()
    {
        var now = _surroundings.Clock();
        var (back, apart) = (LookAtFailback().Standing, LookAtCompany().Standing);
        string?[] notes = [ElectorateWords.Tell(State), CompanyWords.Tell(State, apart, now), FailbackWords.Tell(State, back, _surroundings.Node, now)];
        return new PlacementTold(
            _settings.Service,
            back?.To,
            back is { In: { } left } ? Math.Round(left.TotalSeconds, 3) : null,
            [.. notes.OfType<string>()]);
    }

    private sealed record LookAround
    {
        public static LookAround Instance { get; } = new();
    }
}
