using System.Collections.Concurrent;
using System.Data.Common;
using ClusterFs.Lease;
using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Guard.SqlVoting;

/// <summary>
/// Asks the voter in the database, on one thread with one connection of its own: whatever the database does to them, nobody else waits. What
/// is asked is decided by <see cref="SqlVoterMachine"/>; the questions that wait when it comes to them are carried together. Thread-safe.
/// </summary>
public sealed class SqlVoterShell : IDisposable
{
    private const int LongestQueue = 4096;
    private const int MostAttempts = 8;

    private readonly BlockingCollection<Question> _questions = new(LongestQueue);
    private readonly Dictionary<string, (SqlVoterSight Sight, Guid Stamp)> _seen = new(StringComparer.Ordinal);
    private readonly SqlVoterSource _source;
    private readonly TimeSpan _patience;
    private readonly TimeSpan? _watchEvery;
    private readonly Func<Instant> _now;
    private readonly Thread _thread;
    private DbConnection? _connection;

    /// <summary>Connects when it is first asked.</summary>
    /// <param name="source">Owned from here on.</param>
    /// <param name="patience">A question that has waited for longer is not asked any more: its answer would be worth nothing.</param>
    /// <param name="watchEvery">
    /// Looks at all rows that often without being asked, so that the end of a promise is seen soon after it; null for never.
    /// </param>
    public SqlVoterShell(SqlVoterSource source, TimeSpan patience, TimeSpan? watchEvery, Func<Instant> now)
    {
        _source = source;
        _patience = patience;
        _watchEvery = watchEvery;
        _now = now;
        _thread = new Thread(Run) { IsBackground = true, Name = "sql voter" };
        _thread.Start();
    }

    /// <summary>May never be answered within a useful time: whoever asks limits the wait.</summary>
    /// <exception cref="VoterUnreachableException">The database gave no usable answer in time. What was asked may have been done all the same.</exception>
    public Task<VoterReply> AskAsync(VoterRequest request)
    {
        var question = new Question(request, _now());
        try
        {
            if (!_questions.TryAdd(question))
            {
                question.Fail("it has more questions than it can answer");
            }
        }
        catch (InvalidOperationException)
        {
            question.Fail("this process is ending");
        }

        return question.Answer.Task;
    }

    public void Dispose()
    {
        _questions.CompleteAdding();
        if (_thread.Join(TimeSpan.FromSeconds(10)))
        {
            _questions.Dispose();
            _source.Dispose();
        }
    }

    private void Run()
    {
        while (!_questions.IsCompleted)
        {
            var waiting = Take();
            try
            {
                _connection ??= _source.Open();
                Carry(waiting);
            }
#pragma warning disable CA1031 // Drivers throw much besides DbException when a connection breaks. Whatever it is, nothing is known now.
            catch (Exception problem)
#pragma warning restore CA1031
            {
                Disconnect();
                foreach (var question in waiting)
                {
                    question.Fail(problem.Message, problem);
                }
            }
        }

        Disconnect();
    }

    /// <summary>Waits for a question, or until it is time to look; takes all that wait by then.</summary>
    private List<Question> Take()
    {
        var waiting = new List<Question>();
        var longest = _watchEvery is { } every ? (int)Math.Max(1, every.TotalMilliseconds) : Timeout.Infinite;
        if (!_questions.TryTake(out var first, longest))
        {
            return waiting;
        }

        waiting.Add(first);
        while (_questions.TryTake(out var next))
        {
            waiting.Add(next);
        }

        var now = _now();
        foreach (var late in waiting.Where(question => now.LongestSince(question.AskedAt) > _patience))
        {
            late.Fail("no answer in time");
        }

        waiting.RemoveAll(question => question.Answer.Task.IsCompleted);
        return waiting;
    }

    private void Carry(List<Question> waiting)
    {
        var open = waiting.ToList();
        var lookedAt = false;
        if (open.Count == 0)
        {
            Look();
        }

        for (var attempt = 0; open.Count > 0 && attempt < MostAttempts; attempt++)
        {
            Write(open, lookedAt);
            open.RemoveAll(question => question.Answer.Task.IsCompleted);
            if (open.Count > 0)
            {
                Look();
                AddMissing(open);
                lookedAt = true;
            }
        }

        foreach (var question in open)
        {
            question.Fail("others were faster, again and again");
        }
    }

    /// <summary>
    /// Decides on what was seen last. A decision to write needs no look before: it is written only if what was seen is still so. Any other
    /// rests on a row that was read after the question.
    /// </summary>
    private void Write(List<Question> open, bool lookedAt)
    {
        var swaps = new Dictionary<string, (Question Question, VoterReply Reply, StampedRow Was, StampedRow Becomes)>(StringComparer.Ordinal);
        foreach (var question in open)
        {
            var service = question.Request.Service;
            if (swaps.ContainsKey(service))
            {
                // After the one before it.
                continue;
            }

            var known = _seen.TryGetValue(service, out var seen);
            var decision = SqlVoterMachine.Decide(known ? seen.Sight : null, question.Request, _now());
            if (decision.Write is { } row)
            {
                swaps[service] = (
                    question, decision.Reply, new StampedRow(seen.Sight.Row, seen.Stamp), new StampedRow(row, Guid.NewGuid()));
            }
            else if (lookedAt)
            {
                question.Answer.TrySetResult(decision.Reply);
            }
        }

        if (swaps.Count == 0)
        {
            return;
        }

        var replaced = SqlVoterTable.Swap(_connection!, swaps.Values.Select(swap => (swap.Was, swap.Becomes)));
        var now = _now();
        foreach (var service in replaced)
        {
            var (question, reply, _, becomes) = swaps[service];
            Remember(becomes, now);
            question.Answer.TrySetResult(reply);
        }
    }

    private void Look()
    {
        var rows = SqlVoterTable.Read(_connection!);

        // After the answer, never before the question: a renewal may have come in between.
        var received = _now();
        foreach (var gone in _seen.Keys.Except(rows.Select(row => row.Row.Service)).ToList())
        {
            _ = _seen.Remove(gone);
        }

        foreach (var row in rows)
        {
            Remember(row, received);
        }
    }

    /// <summary>Holders wait until a row is there: only who can join it makes one.</summary>
    private void AddMissing(List<Question> open)
    {
        var missing = open
            .Where(question => question.Request is Probe or Fence or Join && !_seen.ContainsKey(question.Request.Service))
            .Select(question => question.Request.Service)
            .Distinct(StringComparer.Ordinal)
            .Select(service => new StampedRow(SqlVoterRow.New(service, Guid.NewGuid()), Guid.NewGuid()))
            .ToList();
        if (missing.Count > 0)
        {
            SqlVoterTable.Add(_connection!, missing);
            Look();
        }
    }

    private void Remember(StampedRow row, Instant received)
    {
        var before = _seen.TryGetValue(row.Row.Service, out var seen) ? seen.Sight : null;
        _seen[row.Row.Service] = (SqlVoterSight.Of(before, row.Row, received), row.Stamp);
    }

    private void Disconnect()
    {
        try
        {
            _connection?.Dispose();
        }
#pragma warning disable CA1031 // It is given up either way.
        catch (Exception)
#pragma warning restore CA1031
        {
        }

        _connection = null;
    }

    private sealed class Question(VoterRequest request, Instant askedAt)
    {
        public VoterRequest Request => request;

        public Instant AskedAt => askedAt;

        public TaskCompletionSource<VoterReply> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Fail(string problem, Exception? inner = null) =>
            Answer.TrySetException(new VoterUnreachableException(SqlVoterMachine.Name, problem, inner));
    }
}
