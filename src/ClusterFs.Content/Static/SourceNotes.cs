using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>What somebody should look at in a directory that is published: the first of each kind.</summary>
internal sealed class SourceNotes(string source)
{
    private const uint OthersMayRead = 0x4;
    private const uint OthersMayEnter = 0x5;

    private string? _closed;
    private string? _leadsOut;

    public IEnumerable<string> Warnings
    {
        get
        {
            if (_closed is not null)
            {
                yield return $"{_closed} is closed to other users, and so is what is served: it belongs to the daemon's user, and a web server may not read it";
            }

            if (_leadsOut is not null)
            {
                yield return $"{_leadsOut} is a link that leads out of {source}: where generations lie, it leads elsewhere";
            }
        }
    }

    public void Look(ManifestEntry entry)
    {
        switch (entry.Kind)
        {
            case FileKind.File when (entry.Mode & OthersMayRead) == 0:
            case FileKind.Directory when (entry.Mode & OthersMayEnter) != OthersMayEnter:
                _closed ??= Path.Combine(source, entry.Path);
                break;
            case FileKind.SymbolicLink when LeadsOut(entry):
                _leadsOut ??= Path.Combine(source, entry.Path);
                break;
        }
    }

    private static bool LeadsOut(ManifestEntry entry)
    {
        if (entry.Target is not { } target || target.StartsWith('/'))
        {
            return false;
        }

        var depth = entry.Path.Count(letter => letter == '/');
        foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            depth += part switch { "." => 0, ".." => -1, _ => 1 };
            if (depth < 0)
            {
                return true;
            }
        }

        return false;
    }
}
