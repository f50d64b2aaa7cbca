using System.Formats.Tar;
using System.Text.Json;
using ClusterFs.Demo.Layout;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Demo.Writing;

/// <summary>What was kept of a node that failed.</summary>
/// <param name="Id">As <c>clusterfs divergent list</c> names it.</param>
/// <param name="Texts">Of the guestbook's rows in it.</param>
public sealed record DivergentDump(string Id, IReadOnlySet<string> Texts)
{
    /// <summary>Exports the guestbook's newest divergent dump and reads it with nothing of ClusterFs: tar, then SQLite.</summary>
    /// <param name="node">Whose command line is used.</param>
    /// <param name="cancelled">Ends the reading.</param>
    public static async Task<DivergentDump> ReadNewest(ClusterNode node, CancellationToken cancelled = default)
    {
        var id = await NewestId(node);
        var scratch = Directory.CreateDirectory(Path.Combine(node.Directory, $"divergent-{Guid.NewGuid():N}"));
        try
        {
            var tar = Path.Combine(scratch.FullName, "divergent.tar");
            (await node.Clusterfs("divergent", "export", GuestbookService.Name, id, "--output", tar)).Successful();
            await TarFile.ExtractToDirectoryAsync(tar, scratch.FullName, overwriteFiles: false, cancelled);
            var database = Directory.EnumerateFiles(scratch.FullName, "guestbook.db", SearchOption.AllDirectories).FirstOrDefault()
                ?? throw new ConditionNotMetException($"the divergent dump {id} holds no guestbook.db");
            return new DivergentDump(id, await ReadTexts(database, cancelled));
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    private static async Task<string> NewestId(ClusterNode node)
    {
        var json = (await node.Clusterfs("divergent", "list", GuestbookService.Name, "--json")).Successful().Output;
        using var document = JsonDocument.Parse(json);
        var kept = document.RootElement.GetProperty("divergent");
        return kept.GetArrayLength() > 0
            ? kept[kept.GetArrayLength() - 1].GetProperty("id").GetString()!
            : throw new ConditionNotMetException($"no divergent dump is listed: {json}");
    }

    private static async Task<IReadOnlySet<string>> ReadTexts(string database, CancellationToken cancelled)
    {
        await using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = database, Pooling = false }.ToString());
        await connection.OpenAsync(cancelled);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT text FROM entries";
        await using var reader = await command.ExecuteReaderAsync(cancelled);
        var texts = new HashSet<string>();
        while (await reader.ReadAsync(cancelled))
        {
            texts.Add(reader.GetString(0));
        }

        return texts;
    }
}
