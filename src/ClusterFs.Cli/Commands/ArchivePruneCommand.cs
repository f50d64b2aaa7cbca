using System.Collections.Immutable;
using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Retention;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive prune</c>.</summary>
public static class ArchivePruneCommand
{
    public static Command Create()
    {
        var place = new ArchivePlace();
        var keep = new KeepOptions();
        var dryRun = new Option<bool>("--dry-run") { Description = "Say which dumps would stay, and why, and change nothing." };
        var command = new Command(
            "prune", "Let go of old dumps, and free what no other dump needs. A running owner does so by itself, as its configuration says.")
        {
            place.Service, place.Store, place.KeyFile, dryRun,
        };
        keep.All.ToList().ForEach(command.Add);
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var policy = keep.Of(parsed) ?? OfConfiguration(parsed, place);
            var dry = parsed.GetValue(dryRun);
            var terminal = Terminal.Of(parsed);
            using var interruption = new Interruption(cancellation);
            var (judged, report) = await terminal.WorkAsync(
                $"Pruning {archive.Service}",
                _ => Task.Run(() =>
                {
                    var before = archive.Judge(policy, interruption.Token);
                    return (before, dry ? null : archive.Prune(policy, 1, interruption.Token));
                })).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(ToJson(archive.Service, judged, report), ArchiveJson.Default.Pruned);
                return ExitCodes.Done;
            }

            if (report is null)
            {
                terminal.Write(ToListing(judged));
                terminal.Write($"{archive.Service}: {judged.Count(one => one.Stays)} dumps would stay, {judged.Count(one => !one.Stays)} would be pruned.");
                return ExitCodes.Done;
            }

            terminal.Write($"{archive.Service}: {report.Dumps} dumps pruned, {judged.Count(one => one.Stays)} stay, {Humane.Bytes(report.FreedBytes)} freed.");
            if (report.Waiting > 0)
            {
                terminal.Write($"What only {report.Waiting} pruned dumps hold is freed by a prune in five minutes or later: somebody may be reading it.");
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static RetentionPolicy OfConfiguration(ParseResult parsed, ArchivePlace place)
    {
        if (parsed.GetValue(place.Store) is not null)
        {
            throw new CommandException(
                ExitCodes.Usage, "with --store there is no configuration that says what stays", "such as --keep-last 60 --keep-daily 14");
        }

        var retention = GlobalOptions.Load(parsed).RequireService(parsed.GetRequiredValue(place.Service)).Live.Retention;
        return new RetentionPolicy(
            retention.KeepLast, retention.KeepHourly, retention.KeepDaily, retention.KeepWeekly, retention.KeepMonthly, retention.KeepYearly);
    }

    private static Listing ToListing(IReadOnlyList<JudgedDump> judged)
    {
        var listing = new Listing("SEQUENCE", "TIME", "SIZE", "ADDED", "STAYS");
        foreach (var (dump, reasons) in judged)
        {
            listing.Add(
                Humane.Number(dump.Slot),
                Humane.Time(dump.At.ToUniversalTime()),
                Humane.Bytes(dump.Content.Bytes),
                Humane.Bytes(dump.Content.StoredBytes),
                reasons.Count == 0 ? "no" : string.Join(", ", reasons));
        }

        return listing;
    }

    private static Pruned ToJson(string service, IReadOnlyList<JudgedDump> judged, PruneReport? report) => new(
        service,
        report is null,
        report?.Dumps ?? judged.Count(one => !one.Stays),
        report?.FreedBytes ?? 0,
        report?.Waiting ?? 0,
        [.. judged.Select(one => new JudgedSequence(one.Dump.Slot, one.Dump.At.ToUniversalTime(), [.. one.Reasons]))]);

    /// <summary>What stays, in the words of other tools of this kind.</summary>
    private sealed class KeepOptions
    {
        private readonly Option<int?> _last = Keep("last", "The newest N dumps.");
        private readonly Option<int?> _hourly = Keep("hourly", "The last dump of each of the newest N hours that have any.");
        private readonly Option<int?> _daily = Keep("daily", "The same by days of UTC.");
        private readonly Option<int?> _weekly = Keep("weekly", "The same by weeks.");
        private readonly Option<int?> _monthly = Keep("monthly", "The same by months.");
        private readonly Option<int?> _yearly = Keep("yearly", "The same by years.");

        public ImmutableArray<Option<int?>> All => [_last, _hourly, _daily, _weekly, _monthly, _yearly];

        /// <returns>Null when none is given.</returns>
        public RetentionPolicy? Of(ParseResult parsed) => All.All(option => parsed.GetValue(option) is null)
            ? null
            : new RetentionPolicy(
                parsed.GetValue(_last) ?? 0,
                parsed.GetValue(_hourly) ?? 0,
                parsed.GetValue(_daily) ?? 0,
                parsed.GetValue(_weekly) ?? 0,
                parsed.GetValue(_monthly) ?? 0,
                parsed.GetValue(_yearly) ?? 0) switch
            {
                { Keeps: true } policy => policy,
                _ => throw new CommandException(ExitCodes.Usage, "a policy that keeps nothing is none", "keep one dump at least"),
            };

        private static Option<int?> Keep(string period, string description)
        {
            var option = new Option<int?>($"--keep-{period}") { Description = description, HelpName = "N" };
            option.Validators.Add(result =>
            {
                if (result.GetValueOrDefault<int?>() < 0)
                {
                    result.AddError($"--keep-{period}: expected 0 or more");
                }
            });
            return option;
        }
    }
}
