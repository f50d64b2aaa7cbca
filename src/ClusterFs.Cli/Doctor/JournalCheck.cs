using System.Data.Common;
using System.Diagnostics;
using ClusterFs.Configuration;
using ClusterFs.Guard.SqlVoting;

namespace ClusterFs.Cli.Doctor;

/// <summary>
/// Whether the journal's database answers, and really has what keeps two nodes from being granted one epoch. What it has is looked at by the
/// daemon's program, with what it does at its own start.
/// </summary>
internal static class JournalCheck
{
    private const string Name = "journal";
    private const string Program = "clusterfsd";
    private const string Verified = "verified";
    private const string New = "new";
    private const string Refused = "refused";
    private const string Away = "away";

    private const string NotLookedAt = "whether an epoch can be granted twice was not looked at";
    private const string AwayMeaning = "services run on, but ownership does not change, and nothing fails over";
    private const string AwayRemedy =
        "is the database up, does clusterfs.journal.connection-string fit, does the server take connections from this machine (pg_hba.conf)?";

    private static readonly string[] FileKeys = ["Data Source", "DataSource", "Filename"];

    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan ProgramPatience = TimeSpan.FromSeconds(15);

    public static Check Create(Settings settings) => new(
        Name, "the database takes connections and says nothing: ownership does not change meanwhile", "look at the database",
        async () => Look(settings) is { } away ? [away] : [Answers(settings), await VerifyAsync(settings).ConfigureAwait(false)])
    {
        Patience = ConnectPatience + ProgramPatience,
    };

    /// <param name="answer">What the daemon's program said: a word, and after a colon the rest.</param>
    public static Finding Judge(string answer)
    {
        var (word, rest) = answer.IndexOf(": ", StringComparison.Ordinal) is > 0 and var at ? (answer[..at], answer[(at + 2)..]) : ("", answer);
        return word switch
        {
            Verified => Finding.Ok(Name, rest, "no epoch can be granted twice"),
            New => Finding.Ok(Name, rest, "the first daemon that starts makes its tables"),
            Refused => Finding.Failure(Name, rest, "the daemon does not let ownership start with it", "see 'clusterfs node'; an empty database is set up by the first daemon"),
            Away => Finding.Failure(Name, $"the database does not answer: {rest}", AwayMeaning, AwayRemedy),
            _ => Finding.Warning(Name, rest.Length > 0 ? rest : $"{Program} ended without a word", NotLookedAt, $"see what '{Program} --config FILE --check-journal' says"),
        };
    }

    private static Finding Answers(Settings settings) => Finding.Ok(
        Name, $"the {settings.Journal.Provider.ToString().ToLowerInvariant()} database answers", "ownership can change");

    /// <returns>Null when it answers.</returns>
    private static Finding? Look(Settings settings)
    {
        if (settings.Journal.Provider == JournalProvider.Sqlite && FileOf(settings) is { } file && !File.Exists(file))
        {
            return Finding.Ok(Name, $"there is no {file} yet", "the first daemon that starts makes it");
        }

        try
        {
            using var source = SqlVoterSource.Of(settings.Journal, ConnectPatience);
            using var connection = source.Open();
            return null;
        }
        catch (Exception e) when (e is DbException or ArgumentException or TimeoutException or IOException)
        {
            return Finding.Failure(
                Name, $"the database does not answer: {e.Message}", AwayMeaning, AwayRemedy);
        }
    }

    private static string? FileOf(Settings settings)
    {
        var builder = new DbConnectionStringBuilder { ConnectionString = settings.Journal.ConnectionString };
        return FileKeys.Select(key => builder.TryGetValue(key, out var file) ? file as string : null).FirstOrDefault(file => file is not null);
    }

    private static async Task<Finding> VerifyAsync(Settings settings)
    {
        var program = Path.Combine(AppContext.BaseDirectory, Program);
        if (!File.Exists(program))
        {
            return Finding.Warning(Name, $"there is no {program} to look at its constraints with", NotLookedAt, "install the daemon beside this command");
        }

        using var process = Process.Start(new ProcessStartInfo(program, ["--config", settings.File, "--check-journal"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var patience = new CancellationTokenSource(ProgramPatience);
        try
        {
            var complaint = process.StandardError.ReadToEndAsync(patience.Token);
            var said = await process.StandardOutput.ReadLineAsync(patience.Token).ConfigureAwait(false);
            return Judge(said ?? (await complaint.ConfigureAwait(false)).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            return Judge($"its constraints could not be read in {ProgramPatience.TotalSeconds:0} s");
        }
    }
}
