using System.IO.Enumeration;
using System.Text;
using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Content.Config;

/// <summary>
/// Whether a version would include itself: its lines that have the form of the include line are followed, through whatever files they name, as far
/// as these are on this node. A program would read such a configuration for ever, or until it has no more files open.
/// </summary>
/// <param name="settings">Whose form includes have.</param>
/// <param name="copy">Where this version will be read from.</param>
internal sealed class IncludeCycle(ConfigSettings settings, string copy)
{
    private const int Deepest = 16;
    private const int MostFiles = 2000;
    private const long MostBytes = 1 << 20;

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    /// <param name="files">What is in the version, by paths below its top.</param>
    /// <exception cref="ConfigException">It would; the message has the way.</exception>
    public void Refuse(IReadOnlyDictionary<string, byte[]> files)
    {
        foreach (var (path, content) in files)
        {
            var at = path.Length == 0 ? copy : $"{copy}/{path}";
            Follow(content, at, [at]);
        }
    }

    private void Follow(byte[] content, string at, List<string> way)
    {
        if (way.Count > Deepest)
        {
            return;
        }

        foreach (var included in Included(content).SelectMany(path => Expand(path, at)).Select(RealPath))
        {
            if (included == settings.Target || included == copy || included.StartsWith(copy + "/", StringComparison.Ordinal) || way.Contains(included))
            {
                List<string> words = included == settings.Target ? [settings.Target, .. way, included] : [.. way, included];
                throw new ConfigException($"it includes itself: {string.Join(" → ", words)}; take one of these includes away");
            }

            if (_seen.Count < MostFiles && _seen.Add(included) && Read(included) is { } next)
            {
                Follow(next, included, [.. way, included]);
            }
        }
    }

    private IEnumerable<string> Included(byte[] content)
    {
        var form = settings.Include.Split(ConfigSettings.PathPlace);
        var (before, after) = (form[0].Trim(), form[1].Trim());
        foreach (var line in Encoding.UTF8.GetString(content).Split('\n'))
        {
            var text = line.Trim();
            if (!text.StartsWith(before, StringComparison.Ordinal) || text.Length <= before.Length)
            {
                continue;
            }

            var path = text[before.Length..];
            var end = after.Length == 0 ? path.Length : path.IndexOf(after, StringComparison.Ordinal);
            if (end > 0 && (before.Length > 0 || path.StartsWith('/')))
            {
                yield return path[..end].Trim().Trim('"', '\'');
            }
        }
    }

    private List<string> Expand(string path, string at)
    {
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
        {
            return [];
        }

        // What a relative path begins at differs from program to program.
        string[] bases = [Path.GetDirectoryName(settings.Target)!, Path.GetDirectoryName(at)!];
        return path.StartsWith('/') ? Matching(Path.GetFullPath(path)) : bases.Distinct().SelectMany(from => Matching(Path.GetFullPath(Path.Combine(from, path)))).ToList();
    }

    private List<string> Matching(string path)
    {
        if (!path.AsSpan().ContainsAny('*', '?'))
        {
            return [path];
        }

        // The target's own name counts also where the file is not there yet.
        var (directory, pattern) = (Path.GetDirectoryName(path)!, Path.GetFileName(path));
        var names = new SortedSet<string>(StringComparer.Ordinal);
        if (Path.GetDirectoryName(settings.Target) == directory)
        {
            names.Add(Path.GetFileName(settings.Target));
        }

        try
        {
            names.UnionWith(DirectoryNames.Of(directory).Names);
        }
        catch (IOException)
        {
            // There is none, or it cannot be read: nothing is included from there.
        }

        return names.Where(name => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false)).Select(name => Path.Combine(directory, name)).ToList();
    }

    /// <summary>Without links, where it is there; the copy keeps the name that it will have.</summary>
    private string RealPath(string path)
    {
        if (path == copy || path.StartsWith(copy + "/", StringComparison.Ordinal))
        {
            return path;
        }

        try
        {
            using var found = UnlockedFile.Find(path);
            return UnlockedFile.RealPath(found);
        }
        catch (IOException)
        {
            return path;
        }
    }

    private static byte[]? Read(string path)
    {
        try
        {
            using var found = UnlockedFile.Find(path);
            if (FileStatus.Read(found) is not { Kind: FileKind.File, Size: <= MostBytes })
            {
                return null;
            }

            using var file = UnlockedFile.OpenFoundAtOnce(found);
            var content = new byte[RandomAccess.GetLength(file)];
            return content[..RandomAccess.Read(file, content, 0)];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
