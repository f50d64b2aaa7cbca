using System.Globalization;
using System.Text;
using ClusterFs.Posix;

namespace ClusterFs.Content.Logs.Links;

/// <summary>
/// How far the files of a directory were copied: by inode, because a service may rename what it writes. What it says was copied is on disk; bytes
/// beyond are not trusted. Not safe for several threads.
/// </summary>
internal sealed class MoveProgress
{
    private readonly string _file;
    private readonly Dictionary<ulong, Copied> _copied = [];

    private MoveProgress(string file) => _file = file;

    /// <param name="Name">Of the copy, relative to the directory of copies.</param>
    /// <param name="Length">Of the copy, in bytes.</param>
    internal sealed record Copied(string Name, long Length);

    public bool IsEmpty => _copied.Count == 0;

    /// <exception cref="IOException">It cannot be read, or is damaged.</exception>
    public static MoveProgress Load(string file)
    {
        var progress = new MoveProgress(file);
        if (!File.Exists(file))
        {
            return progress;
        }

        try
        {
            foreach (var line in File.ReadLines(file))
            {
                var parts = line.Split(' ');
                progress._copied[ulong.Parse(parts[0], CultureInfo.InvariantCulture)] =
                    new Copied(Encoding.UTF8.GetString(Convert.FromBase64String(parts[2])), long.Parse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture));
            }

            return progress;
        }
        catch (Exception damage) when (damage is FormatException or OverflowException or IndexOutOfRangeException)
        {
            throw new IOException($"{file} is damaged: delete it, and what was copied already is copied once more, under another name");
        }
    }

    public Copied? Find(ulong inode) => _copied.GetValueOrDefault(inode);

    public bool IsTaken(string name) => _copied.Values.Any(copied => copied.Name == name);

    /// <summary>Notes it durably.</summary>
    public void Set(ulong inode, Copied copied)
    {
        _copied[inode] = copied;
        Save();
    }

    public void Remove(ulong inode)
    {
        if (_copied.Remove(inode))
        {
            Save();
        }
    }

    public void Delete() => File.Delete(_file);

    private void Save() => SpaceReserve.Use(Path.GetDirectoryName(_file)!, () => Durable.Replace(_file, Encoding.UTF8.GetBytes(string.Concat(_copied.Select(one => string.Create(
        CultureInfo.InvariantCulture, $"{one.Key} {one.Value.Length} {Convert.ToBase64String(Encoding.UTF8.GetBytes(one.Value.Name))}\n"))))));
}
