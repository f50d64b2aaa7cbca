using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Log;

namespace ClusterFs.Cli;

/// <summary>Arguments by which content that was kept outside the line is named.</summary>
internal sealed class DivergentPlace
{
    private readonly ArchivePlace _place = new();

    public Argument<string> Service => _place.Service;

    public Option<string> Store => _place.Store;

    public Option<string> KeyFile => _place.KeyFile;

    public Argument<string> Id { get; } = new("ID") { Description = "As 'divergent list' shows it; its beginning is enough." };

    public ServiceArchive Open(ParseResult parsed) => _place.Open(parsed);

    /// <exception cref="CommandException">There is no such content, or several.</exception>
    public DivergentRecord Find(ParseResult parsed, ServiceArchive archive, CancellationToken cancellation)
    {
        var id = parsed.GetRequiredValue(Id);
        var found = archive.ListDivergent(cancellation).Where(record => record.Id.StartsWith(id, StringComparison.Ordinal)).ToList();
        return found.Find(record => record.Id == id) ?? found.Count switch
        {
            1 => found[0],
            0 => throw new CommandException(
                ExitCodes.Failed,
                $"{archive.Service} has no divergent content '{id}'",
                $"see 'clusterfs divergent list {archive.Service}'"),
            _ => throw new CommandException(
                ExitCodes.Failed,
                $"'{id}' begins {found.Count} ids of {archive.Service}",
                $"write more of it: {string.Join(", ", found.Select(record => record.Id))}"),
        };
    }
}
