using System.Collections.Concurrent;
using ClusterFs.Archive;
using ClusterFs.Configuration;

namespace ClusterFs.Node.Content;

/// <summary>The content of every service, for the life of the process: a daemon that joins the cluster anew must not open it twice.</summary>
/// <exception cref="ArchiveKeyException">The file of keys is of no use.</exception>
internal sealed class ContentShelf(Settings settings)
{
    private readonly ArchiveKeys? _keys = settings.Shared.KeyFile is { } file ? ArchiveKeys.Read(file) : null;
    private readonly ConcurrentDictionary<string, ArchivedContent> _contents = new(StringComparer.Ordinal);

    public IServiceContent Of(string service) => _contents.GetOrAdd(
        service, name => new ArchivedContent(settings.RequireService(name), settings.Node.Name, settings.Shared.Path, _keys));

    /// <summary>Sets the shared directory up for a new cluster, on a thread of its own. A directory that is not there is not made: it may be a
    /// mount that is missing.</summary>
    public void InitializeArchive(ILogger logger) => new Thread(() =>
    {
        try
        {
            if (!Directory.Exists(settings.Shared.Path))
            {
                logger.SharedNotInitialized(settings.Shared.Path, "there is no such directory; mount it, then start this daemon again");
                return;
            }

            ServiceArchive.Initialize(settings.Shared.Path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            logger.SharedNotInitialized(settings.Shared.Path, problem.Message);
        }
    })
    {
        IsBackground = true,
        Name = "archive set-up",
    }.Start();
}
