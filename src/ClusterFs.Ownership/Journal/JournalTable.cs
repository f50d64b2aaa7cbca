using System.Data.Common;

namespace ClusterFs.Ownership.Journal;

/// <summary>A table beside the journal's own.</summary>
/// <param name="Definition">SQL that makes it where it is missing, and does nothing where it is there.</param>
/// <param name="Key">The columns of the unique constraint that safety rests on, in order, joined by commas.</param>
public sealed record JournalTable(string Name, string Definition, string Key)
{
    internal async Task CreateAsync(DbConnection connection, CancellationToken cancellation)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = Definition;
        await command.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }
}
