using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Ownership.Tests;

/// <summary>Real voters without a network or a disk.</summary>
internal sealed class MachineVoters : IVoters
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, VoterState> _voters = [];

    public MachineVoters(Func<Instant> clock, TimeSpan ttl, Binding floor, string service, params string[] names)
    {
        Clock = clock;
        foreach (var name in names)
        {
            var floors = ImmutableSortedDictionary.Create<string, Binding>(StringComparer.Ordinal).Add(service, floor);
            _voters[name] = new VoterState(name, clock() - (ttl * 10), new DurableVoterState(Guid.NewGuid(), ttl, floors));
        }
    }

    public Func<Instant> Clock { get; }

    public List<VoterRequest> Asked { get; } = [];

    public Task<VoterReply> AskAsync(string voter, VoterRequest request, TimeSpan timeout)
    {
        lock (_lock)
        {
            Asked.Add(request);
            var (state, effects) = VoterMachine.Handle(_voters[voter], request, Clock());
            _voters[voter] = state;
            return effects.OfType<Answer>().FirstOrDefault() is { } answer
                ? Task.FromResult(answer.Reply)
                : Task.FromException<VoterReply>(new TimeoutException("no answer"));
        }
    }

    public void RaiseFloors(string service, Binding floor)
    {
        lock (_lock)
        {
            foreach (var (name, state) in _voters.ToList())
            {
                _voters[name] = state with { Durable = state.Durable with { Floors = state.Durable.Floors.SetItem(service, floor) } };
            }
        }
    }
}
