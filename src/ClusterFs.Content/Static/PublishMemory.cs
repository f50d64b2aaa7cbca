using System.Text;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Packs;
using ClusterFs.Content.Placing;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// What this node remembers of a directory that it published: identities of files, so that an unchanged one is not read again. A memory that is lost, or that
/// another publication of this node uses at the moment, costs time alone.
/// </summary>
internal sealed class PublishMemory : IDisposable
{
    private const int ShownDigest = 12;
    private const string Staged = "index.next";

    private readonly string _directory;
    private readonly DirectoryLock? _lock;
    private readonly bool _isTemporary;

    private PublishMemory(string directory, DirectoryLock? held, bool isTemporary) => (_directory, _lock, _isTemporary) = (directory, held, isTemporary);

    /// <summary>For copies that a capture may need.</summary>
    public string Scratch => _directory;

    /// <summary>Hashes of the pages of large files.</summary>
    public string Pages => Path.Combine(_directory, "pages");

    private string IndexFile => Path.Combine(_directory, "index");

    private string StagedFile => Path.Combine(_directory, Staged);

    /// <param name="state">Of the content; where this process may not write there, nothing is remembered.</param>
    public static PublishMemory Open(string state, string source)
    {
        try
        {
            var directory = Path.Combine(state, ContentDigests.Of(Encoding.UTF8.GetBytes(source))[..ShownDigest]);
            Durable.CreateDirectory(directory);
            if (DirectoryLock.TryTake(directory) is { } held)
            {
                return Made(new PublishMemory(directory, held, isTemporary: false));
            }
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // Somebody else than root publishes.
        }

        return Made(new PublishMemory(Directory.CreateTempSubdirectory("clusterfs-publish-").FullName, null, isTemporary: true));
    }

    /// <returns>Null when nothing is known of how the directory was when it became this generation.</returns>
    public IReadOnlyList<IndexRow>? Find(string files, long seed)
    {
        try
        {
            return LocalIndex.TryOpen(IndexFile) is { } index && index.Subject == files && index.PageSeed == seed ? [.. index.Read()] : null;
        }
        catch (DamagedIndexException)
        {
            return null;
        }
    }

    public LocalIndex.Writer NewIndex() => new(StagedFile);

    /// <summary>The directory was stored.</summary>
    /// <param name="paged">Of its large files.</param>
    public void Stage(LocalIndex.Writer index, string files, long seed, IReadOnlySet<Digest> paged)
    {
        _ = index.Finish(files, seed);
        new PageIndexes(Pages).Keep(paged);
    }

    /// <summary>It was published: from here on its index counts.</summary>
    public void Keep(string files)
    {
        if (LocalIndex.TryOpen(StagedFile)?.Subject == files)
        {
            File.Move(StagedFile, IndexFile, overwrite: true);
        }
    }

    public void Dispose()
    {
        _lock?.Dispose();
        if (_isTemporary)
        {
            Trash.Delete(_directory);
        }
    }

    private static PublishMemory Made(PublishMemory memory)
    {
        Directory.CreateDirectory(memory.Pages);

        // By name: a pattern "index.*" would match "index" too, and nothing would be remembered.
        foreach (var left in Directory.EnumerateFiles(memory._directory).Where(file => Path.GetFileName(file).StartsWith(Staged, StringComparison.Ordinal)))
        {
            File.Delete(left);
        }

        return memory;
    }
}
