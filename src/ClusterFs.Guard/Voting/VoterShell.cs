using System.Collections.Concurrent;
using ClusterFs.Lease;
using ClusterFs.Lease.Voter;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Voting;

/// <summary>
/// Runs the voter on one thread: requests one after the other, and what an answer depends on is on disk before the answer leaves. A state
/// that could not be written is not taken over, so that nothing unwritten is ever answered from.
/// </summary>
internal sealed class VoterShell : IDisposable
{
    private const int LongestQueue = 4096;

    private readonly BlockingCollection<Question> _questions = new(LongestQueue);
    private readonly Action<DurableVoterState> _persist;
    private readonly Func<Instant> _now;
    private readonly ILogger _log;
    private readonly Thread _thread;
    private volatile VoterState _state;

    public VoterShell(VoterState state, Action<DurableVoterState> persist, Func<Instant> now, ILogger log)
    {
        _state = state;
        _persist = persist;
        _now = now;
        _log = log;
        _thread = new Thread(Run) { IsBackground = true, Name = "voter" };
        _thread.Start();
    }

    public VoterState State => _state;

    /// <exception cref="VoterFailedException">The state could not be written, or the voter is overrun or ending.</exception>
    public Task<VoterReply> AskAsync(VoterRequest request)
    {
        var question = new Question(request);
        try
        {
            if (!_questions.TryAdd(question))
            {
                question.Answer.SetException(new VoterFailedException("the voter has more questions than it can answer"));
            }
        }
        catch (InvalidOperationException)
        {
            question.Answer.SetException(new VoterFailedException("the voter is ending"));
        }

        return question.Answer.Task;
    }

    public void Dispose()
    {
        _questions.CompleteAdding();
        if (_thread.Join(TimeSpan.FromSeconds(10)))
        {
            _questions.Dispose();
        }
    }

    private void Run()
    {
        foreach (var question in _questions.GetConsumingEnumerable())
        {
            try
            {
                Answer(question);
            }
            catch (IOException e)
            {
                _log.VoterNotWritten(e.Message);
                question.Answer.TrySetException(new VoterFailedException($"the voter's state could not be written: {e.Message}"));
            }
        }
    }

    private void Answer(Question question)
    {
        var (next, effects) = VoterMachine.Handle(_state, question.Request, _now());
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case PersistVoter persist:
                    _persist(persist.State);
                    LogRise(question.Request.Service, persist.State);
                    break;
                case Answer answer:
                    _state = next;
                    question.Answer.SetResult(answer.Reply);
                    break;
            }
        }
    }

    private void LogRise(string service, DurableVoterState written)
    {
        var before = _state.Durable.Floors.TryGetValue(service, out var known) ? known : Binding.None;
        if (written.Floors.TryGetValue(service, out var floor) && floor != before)
        {
            _log.FloorRaised(service, before, floor);
        }
    }

    private sealed class Question(VoterRequest request)
    {
        public VoterRequest Request => request;

        public TaskCompletionSource<VoterReply> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>A voter that cannot answer; for whoever asked it is the same as one that is away.</summary>
internal sealed class VoterFailedException(string message) : Exception(message);
