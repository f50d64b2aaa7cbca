using System.CommandLine;
using System.Globalization;
using ClusterFs.Archive;
using ClusterFs.Archive.Log;

namespace ClusterFs.Cli;

/// <summary>Options by which an archive and a dump in it are named: from the configuration, or with --store without any.</summary>
internal sealed class ArchivePlace
{
    public Argument<string> Service { get; } = new("SERVICE") { Description = "A service of the configuration; with --store, any name." };

    public Option<string> Store { get; } = new("--store")
    {
        Description = "The directory that holds the archives, in place of a configuration's shared.path.",
        HelpName = "DIR",
    };

    public Option<string> KeyFile { get; } = new("--key-file")
    {
        Description = "The keys that the archive is encrypted with, in place of a configuration's shared.key-file.",
        HelpName = "FILE",
    };

    public Option<long?> Sequence { get; } = new("--sequence")
    {
        Description = "Which dump, as 'archive list' numbers them. Default: the newest",
        HelpName = "N",
    };

    public Option<DateTimeOffset?> At { get; } = new("--at")
    {
        Description = "The newest dump that was there at this time, such as 2026-01-31T12:00:00Z; UTC where it does not say.",
        HelpName = "TIME",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                return time;
            }

            result.AddError($"--at: '{text}' is no time; expected such as 2026-01-31T12:00:00Z");
            return null;
        },
    };

    public ServiceArchive Open(ParseResult parsed)
    {
        var name = parsed.GetRequiredValue(Service);
        try
        {
            var keys = parsed.GetValue(KeyFile) is { } file ? ArchiveKeys.Read(Path.GetFullPath(file)) : null;
            return parsed.GetValue(Store) is { } store
                ? new ServiceArchive(Path.GetFullPath(store), name) { Keys = keys }
                : OfConfiguration(GlobalOptions.Load(parsed), name, keys);
        }
        catch (ArgumentException error)
        {
            throw new CommandException(ExitCodes.Usage, error.Message, string.Empty);
        }
    }

    /// <exception cref="CommandException">There is no such dump.</exception>
    public DumpRecord Choose(ParseResult parsed, ServiceArchive archive, CancellationToken cancellation)
    {
        var dumps = archive.List(cancellation).OfType<DumpRecord>().ToList();
        if (dumps.Count == 0)
        {
            throw new CommandException(
                ExitCodes.Failed, $"the archive of {archive.Service} holds no dump yet", "is the service running anywhere?");
        }

        if (parsed.GetValue(Sequence) is { } sequence)
        {
            return dumps.Find(dump => dump.Slot == sequence)
                ?? throw new CommandException(
                    ExitCodes.Failed,
                    $"the archive of {archive.Service} has no dump #{sequence}",
                    $"see 'clusterfs archive list {archive.Service}'; the newest is #{dumps[^1].Slot}");
        }

        return parsed.GetValue(At) is { } at
            ? dumps.FindLast(dump => dump.At <= at)
                ?? throw new CommandException(
                    ExitCodes.Failed,
                    $"the archive of {archive.Service} has no dump as old as that",
                    $"the oldest is #{dumps[0].Slot} of {Display.Humane.Time(dumps[0].At.ToUniversalTime())}")
            : dumps[^1];
    }

    /// <summary>Refuses to name a dump in two ways at once.</summary>
    public void RequireOneChoice(Command command) => command.Validators.Add(result =>
    {
        if (result.GetResult(Sequence) is not null && result.GetResult(At) is not null)
        {
            result.AddError("--sequence and --at each name a dump: give one of them");
        }
    });

    private static ServiceArchive OfConfiguration(Configuration.Settings settings, string name, ArchiveKeys? keys) =>
        new(settings.Shared.Path, settings.RequireService(name).Name)
        {
            Keys = keys ?? (settings.Shared.KeyFile is { } file ? ArchiveKeys.Read(file) : null),
        };
}
