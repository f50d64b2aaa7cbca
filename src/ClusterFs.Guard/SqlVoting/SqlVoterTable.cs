using System.Data.Common;
using System.Globalization;
using System.Text;
using ClusterFs.Lease;
using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Guard.SqlVoting;

/// <summary>A row as it was read.</summary>
/// <param name="Stamp">New with every write: a row with this stamp is this row.</param>
internal sealed record StampedRow(SqlVoterRow Row, Guid Stamp);

/// <summary>
/// The rows of the voter in the database. The database decides nothing: it takes a row if the one that it replaces is still there, in one
/// statement without a transaction around it, so that nobody who dies halfway leaves a lock behind.
/// </summary>
public static class SqlVoterTable
{
    public const string Name = "clusterfs_voter";

    /// <summary>The columns of the unique constraint that the voter rests on: one row per service.</summary>
    public const string Key = "service";

    /// <summary>Makes the table where it is missing; the same for every database.</summary>
    public const string Definition = $"""
        create table if not exists {Name} (
          service varchar(255) not null primary key, identity varchar(36) not null, stamp varchar(36) not null,
          floor_epoch bigint, floor_node varchar(255), promised_epoch bigint, promised_node varchar(255),
          renewals bigint not null, round varchar(255), longest_ttl_ms bigint not null)
        """;

    private const int RowsPerStatement = 200;

    private const string Columns =
        "service, identity, stamp, floor_epoch, floor_node, promised_epoch, promised_node, renewals, round, longest_ttl_ms";

    private static readonly string[] NewColumns =
        ["stamp", "floor_epoch", "floor_node", "promised_epoch", "promised_node", "renewals", "round", "longest_ttl_ms"];

    internal static IReadOnlyList<StampedRow> Read(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"select {Columns} from {Name}";
        using var reader = command.ExecuteReader();
        var rows = new List<StampedRow>();
        while (reader.Read())
        {
            rows.Add(ReadRow(reader));
        }

        return rows;
    }

    /// <summary>Makes rows that wait to be joined, where there are none.</summary>
    internal static void Add(DbConnection connection, IEnumerable<StampedRow> rows)
    {
        foreach (var (row, stamp) in rows)
        {
            using var command = connection.CreateCommand();
            command.CommandText =
                $"insert into {Name} (service, identity, stamp, renewals, longest_ttl_ms) values (@service, @identity, @stamp, 0, 0) "
                + "on conflict (service) do nothing";
            Add(command, "@service", row.Service);
            Add(command, "@identity", row.Identity.ToString());
            Add(command, "@stamp", stamp.ToString());
            command.ExecuteNonQuery();
        }
    }

    /// <summary>Replaces rows that are still as they were read.</summary>
    /// <returns>The services whose row was replaced.</returns>
    internal static IReadOnlySet<string> Swap(DbConnection connection, IEnumerable<(StampedRow Was, StampedRow Becomes)> swaps)
    {
        var replaced = new HashSet<string>(StringComparer.Ordinal);

        // In one order, so that two who write the same rows do not wait for each other in a circle.
        foreach (var some in swaps.OrderBy(swap => swap.Was.Row.Service, StringComparer.Ordinal).Chunk(RowsPerStatement))
        {
            using var command = connection.CreateCommand();
            command.CommandText = SwapText(some.Length);
            for (var i = 0; i < some.Length; i++)
            {
                AddSwap(command, i, some[i].Was, some[i].Becomes);
            }

            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                replaced.Add(reader.GetString(0));
            }
        }

        return replaced;
    }

    private static string SwapText(int rows)
    {
        var text = new StringBuilder($"with n (what, was, {string.Join(", ", NewColumns.Select(column => $"new_{column}"))}) as (values ");
        for (var i = 0; i < rows; i++)
        {
            text.Append(i == 0 ? "" : ", ").Append(CultureInfo.InvariantCulture, $"(@service{i}, @was{i}");
            foreach (var column in NewColumns)
            {
                text.Append(CultureInfo.InvariantCulture, $", @{column}{i}");
            }

            text.Append(')');
        }

        return text
            .Append(CultureInfo.InvariantCulture, $") update {Name} set {string.Join(", ", NewColumns.Select(column => $"{column} = n.new_{column}"))} ")
            .Append("from n where service = n.what and stamp = n.was returning service")
            .ToString();
    }

    private static void AddSwap(DbCommand command, int index, StampedRow was, StampedRow becomes)
    {
        var i = index.ToString(CultureInfo.InvariantCulture);
        var row = becomes.Row;
        Add(command, $"@service{i}", row.Service);
        Add(command, $"@was{i}", was.Stamp.ToString());
        Add(command, $"@stamp{i}", becomes.Stamp.ToString());
        Add(command, $"@floor_epoch{i}", row.Floor?.Epoch);
        Add(command, $"@floor_node{i}", row.Floor?.Node);
        Add(command, $"@promised_epoch{i}", row.Promised?.Epoch);
        Add(command, $"@promised_node{i}", row.Promised?.Node);
        Add(command, $"@renewals{i}", row.Renewals);
        Add(command, $"@round{i}", row.LastRound is { } round ? RoundText.Of(round) : null);

        // Rounded up: whoever waits a stored TTL must not wait less than was promised.
        Add(command, $"@longest_ttl_ms{i}", (long?)Math.Ceiling(row.LongestTtl.TotalMilliseconds));
    }

    private static StampedRow ReadRow(DbDataReader reader)
    {
        var row = new SqlVoterRow(
            reader.GetString(0),
            Guid.Parse(reader.GetString(1)),
            ReadBinding(reader, 3),
            ReadBinding(reader, 5),
            reader.GetInt64(7),
            reader.IsDBNull(8) ? null : RoundText.Read(reader.GetString(8)),
            TimeSpan.FromMilliseconds(reader.GetInt64(9)));
        return new StampedRow(row, Guid.Parse(reader.GetString(2)));
    }

    private static Binding? ReadBinding(DbDataReader reader, int ordinal) =>
        reader.IsDBNull(ordinal) ? null : new Binding(reader.GetInt64(ordinal), reader.IsDBNull(ordinal + 1) ? null : reader.GetString(ordinal + 1));

    private static void Add(DbCommand command, string name, string? value) => Add(command, name, System.Data.DbType.String, value);

    private static void Add(DbCommand command, string name, long? value) => Add(command, name, System.Data.DbType.Int64, value);

    private static void Add(DbCommand command, string name, System.Data.DbType type, object? value)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = name;
        parameter.DbType = type;
        parameter.Value = value ?? DBNull.Value;
        command.Parameters.Add(parameter);
    }
}
