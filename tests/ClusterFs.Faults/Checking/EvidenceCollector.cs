using System.Data.Common;
using System.Formats.Tar;
using System.Text.Json;
using ClusterFs.Demo;
using ClusterFs.Faults.Injection;
using ClusterFs.Faults.Rig;
using ClusterFs.Faults.Workload;
using Npgsql;

namespace ClusterFs.Faults.Checking;

/// <summary>Gathers what a run left behind, once everything has stopped but the database and the mounts.</summary>
internal sealed class EvidenceCollector(FaultCluster cluster)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly ClusterNode _node = cluster.Cluster.Nodes[0];
    private readonly string _scratch = Path.Combine(cluster.Site.Directory, "collected");

    public async Task<Evidence> Collect(IReadOnlyList<InjectedFault> faults, IReadOnlyList<PlannedMove> moves, IReadOnlyList<QuietTime> quietTimes)
    {
        Directory.CreateDirectory(_scratch);
        var (journal, epochs) = await ReadDatabase();
        return new Evidence
        {
            Lives = cluster.Lives,
            Line = await RestoreHead(),
            Divergent = await ExportDivergent(),
            Disks = cluster.Cluster.Nodes.ToDictionary(node => node.Name, node => StoredRecords.Read(node.LivePath(FaultCluster.Service))),
            Announcements = cluster.Watch.Announcements,
            Faults = faults,
            Moves = moves,
            Journal = journal,
            EpochTable = epochs,
            QuietTimes = quietTimes,
        };
    }

    private async Task<StoredRecords> RestoreHead()
    {
        var directory = Path.Combine(_scratch, "head");
        (await _node.Clusterfs(Patience, "archive", "restore", FaultCluster.Service, "--to", directory)).Successful();
        return StoredRecords.Read(directory);
    }

    private async Task<StoredRecords> ExportDivergent()
    {
        var json = (await _node.Clusterfs(Patience, "divergent", "list", FaultCluster.Service, "--json")).Successful().Output;
        var inDatabase = new HashSet<Record>();
        var inFile = new HashSet<Record>();
        using var list = JsonDocument.Parse(json);
        foreach (var kept in list.RootElement.GetProperty("divergent").EnumerateArray())
        {
            var records = await Export(kept.GetProperty("id").GetString()!);
            inDatabase.UnionWith(records.InDatabase);
            inFile.UnionWith(records.InFile);
        }

        return new StoredRecords(inDatabase, inFile);
    }

    private async Task<StoredRecords> Export(string id)
    {
        var directory = Directory.CreateDirectory(Path.Combine(_scratch, $"divergent-{Guid.NewGuid():N}"));
        var tar = $"{directory.FullName}.tar";
        (await _node.Clusterfs(Patience, "divergent", "export", FaultCluster.Service, id, "--output", tar)).Successful();
        await TarFile.ExtractToDirectoryAsync(tar, directory.FullName, overwriteFiles: false);
        File.Delete(tar);
        var database = Directory.EnumerateFiles(directory.FullName, RecordStore.DatabaseName, SearchOption.AllDirectories).FirstOrDefault();
        var records = database is null ? StoredRecords.None : StoredRecords.Read(Path.GetDirectoryName(database)!);
        directory.Delete(recursive: true);
        return records;
    }

    private async Task<(IReadOnlyList<JournalRow> Journal, IReadOnlyList<GrantedEpoch> Epochs)> ReadDatabase()
    {
        await using var source = NpgsqlDataSource.Create(cluster.Cluster.Postgres.LocalConnectionString);
        await using var journal = source.CreateCommand(
            "select sequence_number, manifest, message from journal where persistence_id like '%' || $1 order by sequence_number");
        journal.Parameters.Add(new NpgsqlParameter { Value = FaultCluster.Service });
        var rows = await Read(journal, reader => ToRow(reader.GetInt64(0), reader.GetString(1), (byte[])reader[2]));
        await using var epochs = source.CreateCommand("select epoch, node from clusterfs_epoch where service = $1 order by epoch");
        epochs.Parameters.Add(new NpgsqlParameter { Value = FaultCluster.Service });
        return (rows, await Read(epochs, reader => new GrantedEpoch(reader.GetInt64(0), reader.GetString(1))));
    }

    private static JournalRow ToRow(long sequence, string manifest, byte[] message)
    {
        if (!manifest.StartsWith("granted", StringComparison.Ordinal))
        {
            return new JournalRow(sequence, manifest, null);
        }

        using var document = JsonDocument.Parse(message);
        var root = document.RootElement;
        return new JournalRow(
            sequence, manifest, new GrantedEpoch(root.GetProperty("epoch").GetInt64(), root.GetProperty("node").GetString()!));
    }

    private static async Task<IReadOnlyList<T>> Read<T>(NpgsqlCommand command, Func<DbDataReader, T> row)
    {
        var rows = new List<T>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            rows.Add(row(reader));
        }

        return rows;
    }
}
