using System.Formats.Tar;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Demo.Walkthrough;

/// <summary>Reads an exported dump with nothing of ClusterFs: tar, then SQLite.</summary>
internal static class ExportedDump
{
    /// <returns>The texts of the guestbook's rows.</returns>
    public static async Task<IReadOnlySet<string>> ReadRows(string tar, string scratch, CancellationToken cancelled)
    {
        Directory.CreateDirectory(scratch);
        await TarFile.ExtractToDirectoryAsync(tar, scratch, overwriteFiles: true, cancelled);
        var database = Directory.EnumerateFiles(scratch, "guestbook.db", SearchOption.AllDirectories).FirstOrDefault()
            ?? throw new ConditionNotMetException($"{tar} holds no guestbook.db");
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
