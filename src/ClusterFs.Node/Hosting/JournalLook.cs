using System.Data.Common;
using ClusterFs.Guard.SqlVoting;
using ClusterFs.Node.Cluster;
using ClusterFs.Ownership.Journal;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClusterFs.Node.Hosting;

/// <summary>What the journal's database has to have, for the daemon's start and for <c>clusterfs doctor</c>.</summary>
internal static class JournalLook
{
    public static JournalCheck CheckOf(JournalStore store, TimeProvider time, ILogger<JournalCheck> logger) =>
        new(store, time, logger, new JournalTable(SqlVoterTable.Name, SqlVoterTable.Definition, SqlVoterTable.Key));

    /// <summary>Says in one line how the database is, the first word one of verified, new, refused and away.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> SayAsync(Settings settings, TextWriter output)
    {
        var store = ClusterConfiguration.StoreOf(settings);
        try
        {
            var isThere = await CheckOf(store, TimeProvider.System, NullLogger<JournalCheck>.Instance).LookAsync(CancellationToken.None).ConfigureAwait(false);
            await output.WriteLineAsync(isThere ? $"verified: {store}: its constraints are there" : $"new: {store}: there are no tables yet").ConfigureAwait(false);
            return 0;
        }
        catch (JournalRefusedException refusal)
        {
            await output.WriteLineAsync($"refused: {refusal.Message}").ConfigureAwait(false);
        }
        catch (Exception away) when (away is DbException or IOException or TimeoutException)
        {
            await output.WriteLineAsync($"away: {store}: {away.Message}".ReplaceLineEndings(" ")).ConfigureAwait(false);
        }

        return 1;
    }
}
