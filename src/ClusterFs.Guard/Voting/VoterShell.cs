using System.Collections.Concurrent;
using ClusterFs.Lease;
using ClusterFs.Lease.Voter;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Voting;

/// <summary>
/// Runs the voter on one thread: requests one after the other, and what an answer depends on is on disk before the answer leaves. Requests
/// that wait together share one write. A state that could not be written is not taken over, so that nothing unwritten is ever answered from.
/// </summary>
internal sealed class VoterShell : IDisposable
{
    private const int LongestQueue = 4096;

    /// <summary>Small enough that the answers to all of them leave well within a fraction of a TTL.</summary>
    private const int LongestBatch = 1024;

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

    /// <summary>Hears of each answer after it has left. May not block. Set before anything is asked.</summary>
    public Action<VoterReply> Answered { get; set; } = _ => { };

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
        var waiting = new List<Question>();
        foreach (var first in _questions.GetConsumingEnumerable())
        {
            waiting.Add(first);
            for (var more = Math.Min(_questions.Count, LongestBatch); more > 0 && _questions.TryTake(out var question); more--)
            {
                waiting.Add(question);
            }

            if (!TryAnswer(waiting))
            {
                // A disk that takes no more must not keep those from being answered who need none.
                foreach (var question in waiting)
                {
                    _ = TryAnswer([question]);
                }
            }

            waiting.Clear();
        }
    }

    /// <returns>False when several questions had to be written and could not be: none was answered.</returns>
    private bool TryAnswer(IReadOnlyList<Question> questions)
    {
        try
        {
            Answer(questions);
        }
        catch (IOException) when (questions.Count > 1)
        {
            return false;
        }
        catch (IOException e)
        {
            _log.VoterNotWritten(e.Message);
            questions[0].Answer.SetException(new VoterFailedException($"the voter's state could not be written: {e.Message}"));
        }

        return true;
    }

    private void Answer(IReadOnlyList<Question> questions)
    {
        var before = _state;
        var state = before;
        var replies = new VoterReply[questions.Count];
        DurableVoterState? unwritten = null;
        for (var i = 0; i < questions.Count; i++)
        {
            (state, var effects) = VoterMachine.Handle(state, questions[i].Request, _now());
            foreach (var effect in effects)
            {
                switch (effect)
                {
                    case PersistVoter persist:
                        unwritten = persist.State;
                        break;
                    case Answer answer:
                        replies[i] = answer.Reply;
                        break;
                }
            }
        }

        if (unwritten is not null)
        {
            _persist(unwritten);
        }

        _state = state;
        for (var i = 0; i < questions.Count; i++)
        {
            questions[i].Answer.SetResult(replies[i]);
            Answered(replies[i]);
        }

        if (unwritten is not null)
        {
            foreach (var service in questions.Select(question => question.Request.Service).Distinct(StringComparer.Ordinal))
            {
                LogRise(service, before.Durable, state.Durable);
            }
        }
    }

    private void LogRise(string service, DurableVoterState earlier, DurableVoterState written)
    {
        var before = earlier.Floors.TryGetValue(service, out var known) ? known : Binding.None;
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
