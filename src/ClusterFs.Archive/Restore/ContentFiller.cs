using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>Fills empty files with contents: from a local tree where that has them, or an older state of them, from the archive otherwise; verified.</summary>
/// <param name="indexes">Where the hashes of the pages of large files go; null when they are of no use.</param>
/// <param name="known">Where those of the local files are; null when there are none.</param>
/// <param name="seed">Of the hashes of pages.</param>
/// <param name="alone">Whether contents are fetched by the calling thread alone.</param>
/// <param name="done">Told how many more bytes are right from time to time, less than none where some turn out not to be.</param>
internal sealed class ContentFiller(PackReader reader, PageIndexes? indexes, PageIndexes? known, long seed, bool alone, Action<long> done)
{
    private readonly byte[] _buffer = new byte[ContentCapture.MaxWhole];

    /// <param name="local">May hold the content, or an older state of it; null when there is no such file.</param>
    /// <param name="isSame">Whether it holds the content, by what was just seen.</param>
    /// <exception cref="DamagedArchiveException">The content is not what was stored.</exception>
    public void Fill(FileStream target, ManifestEntry entry, LocalFile? local, bool isSame, CancellationToken cancellation)
    {
        if (local is null || !(isSame ? TryCopy(local, entry.Content!, target, cancellation) : TryChange(local, entry, target, cancellation)))
        {
            Fetch(target, entry, cancellation);
        }
    }

    /// <exception cref="DamagedArchiveException">The content is not what was stored.</exception>
    public void Fetch(FileStream target, ManifestEntry entry, CancellationToken cancellation)
    {
        var content = entry.Content!;
        if (content.Paged)
        {
            new PageRestorer(reader, indexes, seed, alone).Write(target.SafeFileHandle, content, Words(entry), done, cancellation);
            return;
        }

        using var stored = new ContentStream(reader, content, seed, Words(entry));
        int read;
        while ((read = stored.Read(_buffer)) > 0)
        {
            target.Write(_buffer, 0, read);
            done(read);
        }
    }

    /// <returns>False where the local file is not any more what was looked at; the target is empty then.</returns>
    private bool TryCopy(LocalFile local, FileContent content, FileStream target, CancellationToken cancellation)
    {
        using var source = local.TryOpen();
        if (source is null)
        {
            return false;
        }

        UncachedCopy.Whole(source, target.SafeFileHandle, content.Size, cancellation);
        if (!local.Is(source))
        {
            RandomAccess.SetLength(target.SafeFileHandle, 0);
            return false;
        }

        done(content.Size);
        return true;
    }

    /// <summary>Writes a content of which the local file may hold an older state.</summary>
    /// <returns>False where that is of no use; the target is empty then.</returns>
    private bool TryChange(LocalFile local, ManifestEntry entry, FileStream target, CancellationToken cancellation)
    {
        var content = entry.Content!;
        using var old = content.Paged && local.Known is { Paged: true } before ? known?.TryOpen(before.Digest) : null;
        using var source = old is null ? null : local.TryOpen();
        if (source is null)
        {
            return false;
        }

        var right = 0L;
        void Done(long bytes)
        {
            right += bytes;
            done(bytes);
        }

        var what = Words(entry);
        var pages = new PageRestorer(reader, indexes, seed, alone);
        try
        {
            if (FileClone.TryShare(source, target.SafeFileHandle))
            {
                pages.Patch(target.SafeFileHandle, content, local, old!, what, Done, cancellation);
            }
            else
            {
                pages.Copy(target.SafeFileHandle, content, local, source, old!, what, Done, cancellation);
            }

            if (local.Is(source))
            {
                return true;
            }
        }
        catch (DamagedArchiveException)
        {
            // The local file, or what is known of it, may be to blame: the archive alone decides.
        }

        done(-right);
        RandomAccess.SetLength(target.SafeFileHandle, 0);
        return false;
    }

    public static string Words(ManifestEntry entry) => $"'{entry.Path}'";
}
