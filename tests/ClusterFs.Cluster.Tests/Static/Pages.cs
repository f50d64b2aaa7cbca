using System.Globalization;
using System.Text;

namespace ClusterFs.Cluster.Tests.Static;

/// <summary>A directory of pages, each of which says at its beginning and at its end which generation it is of.</summary>
internal static class Pages
{
    private const int NameLength = 16;

    public static string PathOf(int page) => string.Create(CultureInfo.InvariantCulture, $"{page / 100:000}/{page:00000}.html");

    /// <summary>Writes pages anew, by rename, as whoever builds a site does.</summary>
    /// <param name="size">In bytes.</param>
    public static void Write(string directory, IEnumerable<int> pages, string generation, int size)
    {
        var random = new Random(generation.GetHashCode(StringComparison.Ordinal));
        var noise = new byte[(size - (2 * NameLength)) * 3 / 4];
        foreach (var page in pages)
        {
            var file = Path.Combine(directory, PathOf(page));
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            random.NextBytes(noise);
            var name = generation.PadRight(NameLength);
            File.WriteAllText($"{file}.new", $"{name}{Convert.ToBase64String(noise)}{name}", Encoding.ASCII);
            File.Move($"{file}.new", file, overwrite: true);
        }
    }

    public static (string First, string Last) NamesIn(string page) => page.Length < 2 * NameLength
        ? (page, "nothing")
        : (page[..NameLength].TrimEnd(), page[^NameLength..].TrimEnd());
}
