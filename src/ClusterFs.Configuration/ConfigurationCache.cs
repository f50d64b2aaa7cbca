using System.Security.Cryptography;
using System.Text;
using ClusterFs.Posix;

namespace ClusterFs.Configuration;

/// <summary>
/// Copies of the included files in the node's own state, so that a node can start while the shared file system is away (R17).
/// </summary>
internal sealed class ConfigurationCache(string directory)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;


    public string Directory { get; } = directory;

    /// <summary>The text of a file when it was last part of a good configuration; null if there is no copy.</summary>
    public string? Find(string path)
    {
        try
        {
            return File.ReadAllText(CopyOf(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps copies, durably; those that are the same already are left alone.</summary>
    /// <exception cref="IOException">The state directory cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The state directory cannot be written.</exception>
    public void Keep(IEnumerable<KeyValuePair<string, string>> files)
    {
        Durable.CreateDirectory(Path.GetDirectoryName(Directory)!);

        // The journal's password may be inside.
        System.IO.Directory.CreateDirectory(Directory, OwnerOnly);
        foreach (var (path, text) in files)
        {
            if (Find(path) != text)
            {
                Durable.Replace(CopyOf(path), Encoding.UTF8.GetBytes(text));
            }
        }
    }

    /// <summary>Two included files may share a name but not a path.</summary>
    private string CopyOf(string path)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)));
        return Path.Combine(Directory, $"{hash[..12]}-{Path.GetFileName(path)}");
    }
}
