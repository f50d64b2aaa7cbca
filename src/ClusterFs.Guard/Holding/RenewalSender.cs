using ClusterFs.Guard.SqlVoting;
using ClusterFs.Guard.Voting;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Holding;

/// <summary>
/// Carries renewals and releases to the voters and their answers back, one message per voter for all that is due. Nobody waits for it: an
/// answer that comes too late counts for nothing.
/// </summary>
/// <param name="sqlVoter">Null where no database is configured.</param>
internal sealed class RenewalSender(
    string node, VoterShell ownVoter, VoterClient peers, SqlVoterShell? sqlVoter, GuardFigures figures, TimeProvider time, ILogger log)
{
    private const int ReleaseAttempts = 3;
    private static readonly TimeSpan ReleaseTimeout = TimeSpan.FromSeconds(1);

    /// <summary>A guard that is being restarted refuses at once, and is back soon.</summary>
    private static readonly TimeSpan ReleasePause = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _unreachable = new(StringComparer.Ordinal);
    private Task _releases = Task.CompletedTask;

    /// <summary>Where answers go. Set before anything is sent.</summary>
    public Action<HolderInput> Answers { get; set; } = _ => { };

    public void Renew(IReadOnlyList<SendRenew> renewals)
    {
        foreach (var group in renewals.GroupBy(send => send.Voter, send => send.Renew, StringComparer.Ordinal))
        {
            _ = RenewAsync(group.Key, [.. group]);
        }
    }

    public void Release(IReadOnlyList<SendRelease> releases)
    {
        foreach (var group in releases.GroupBy(send => send.Voter, send => send.Release, StringComparer.Ordinal))
        {
            var sent = ReleaseAsync(group.Key, [.. group]);
            lock (_lock)
            {
                _releases = Task.WhenAll(_releases, sent);
            }
        }
    }

    /// <summary>Until every release was heard or given up; a guard that ends waits for it, so that nobody waits for a promise.</summary>
    public Task FlushAsync()
    {
        lock (_lock)
        {
            return _releases;
        }
    }

    private async Task RenewAsync(string voter, IReadOnlyList<Renew> renewals)
    {
        // Leaves the holder's thread at once: even the first bytes of a call may take their time.
        await Task.Yield();
        var begun = time.GetTimestamp();
        var answered = new List<RenewReply>(renewals.Count);
        string? problem = null;
        try
        {
            if (AskerOf(voter) is { } ask)
            {
                foreach (var answer in renewals.Select(ask).ToList())
                {
                    try
                    {
                        Count((RenewReply)await answer.ConfigureAwait(false), answered);
                    }
                    catch (Exception e) when (e is VoterUnreachableException or VoterFailedException)
                    {
                        // By itself: what the voter did answer counts.
                        problem = e.Message;
                    }
                }
            }
            else
            {
                var timeout = renewals.Min(renew => renew.Ttl) / 2;
                foreach (var reply in await peers.RenewAsync(voter, node, renewals, timeout).ConfigureAwait(false))
                {
                    Count(reply, answered);
                }
            }
        }
        catch (VoterUnreachableException e)
        {
            problem = e.Message;
        }

        if (answered.Count > 0)
        {
            figures.Renewed(voter, answered, time.GetElapsedTime(begun));
        }

        var unanswered = renewals.Where(renew => !answered.Exists(reply => reply.Service == renew.Service)).ToList();
        if (unanswered.Count == 0)
        {
            SayReachable(voter);
            return;
        }

        figures.Unanswered(voter, unanswered.Count);
        SayUnreachable(voter, problem ?? $"voter {voter}: no answer for {string.Join(", ", unanswered.Select(renew => renew.Service))}");
        foreach (var renew in unanswered)
        {
            Answers(new RenewUnanswered(renew.Service, voter, renew.Round));
        }
    }

    /// <returns>Null for the voter of another node.</returns>
    private Func<VoterRequest, Task<VoterReply>>? AskerOf(string voter) =>
        voter == node ? ownVoter.AskAsync
        : voter == SqlVoterMachine.Name && sqlVoter is not null ? sqlVoter.AskAsync
        : null;

    private void Count(RenewReply reply, List<RenewReply> answered)
    {
        answered.Add(reply);
        if (reply.Outcome != RenewOutcome.Acked)
        {
            log.RenewalRefused(reply.Service, reply.Epoch, reply.Voter, reply.Outcome, reply.Floor);
        }

        Answers(new RenewAnswered(reply));
    }

    private async Task ReleaseAsync(string voter, IReadOnlyList<Release> releases)
    {
        await Task.Yield();
        for (var attempt = 0; attempt < ReleaseAttempts; attempt++)
        {
            if (attempt > 0)
            {
                await Task.Delay(ReleasePause, time).ConfigureAwait(false);
            }

            try
            {
                if (AskerOf(voter) is { } ask)
                {
                    await Task.WhenAll(releases.Select(ask)).WaitAsync(ReleaseTimeout, TimeProvider.System).ConfigureAwait(false);
                }
                else
                {
                    await peers.ReleaseAsync(voter, node, releases, ReleaseTimeout).ConfigureAwait(false);
                }

                return;
            }
            catch (Exception e) when (e is VoterUnreachableException or VoterFailedException or TimeoutException)
            {
                // A release that is lost costs the next owner the rest of a TTL, nothing else.
                SayUnreachable(voter, e.Message);
            }
        }
    }

    private void SayReachable(string voter)
    {
        bool again;
        lock (_lock)
        {
            again = _unreachable.Remove(voter);
        }

        if (again)
        {
            log.VoterAnswersAgain(voter);
        }
    }

    /// <summary>Once, not every round.</summary>
    private void SayUnreachable(string voter, string problem)
    {
        bool first;
        lock (_lock)
        {
            first = _unreachable.TryAdd(voter, problem);
        }

        if (first)
        {
            log.VoterUnreachable(problem);
        }
    }
}
