using Akka.Actor;
using ClusterFs.Lease;
using ClusterFs.Node.Draining;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Agents;

/// <content>Giving the service away on a node that is drained.</content>
internal sealed partial class ServiceAgent
{
    private DrainAsked? _drainAsked;

    private void Drain()
    {
        if (!_state.Drained || _state.Stopping)
        {
            _drainAsked = null;
            return;
        }

        if (_region is not null && LookAtDrain(Now).MoveTo is { } target)
        {
            _surroundings.Logger.DrainsTo(Service, target);
            _drainAsked = new DrainAsked(Now, target, null);
            _region.Tell(new MoveService(Service, target), Self);
        }
    }

    private DrainStep LookAtDrain(Instant now) => DrainRules.Look(
        _state,
        _view,
        _state.Settings.Leader is { } leader ? _surroundings.Board.Find(leader)?.View?.Owner : null,
        [.. _state.Settings.Followers.Select(other => _surroundings.Board.Find(other)?.FreshView(now)).OfType<OwnershipView>()],
        _drainAsked,
        now);

    private void Hear(RequestAnswered answered)
    {
        if (_drainAsked is not null && !answered.Accepted)
        {
            _surroundings.Logger.DrainRefused(Service, _drainAsked.To, answered.Message);
            _drainAsked = _drainAsked with { Refusal = answered.Message };
        }
    }
}
