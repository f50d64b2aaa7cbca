using ClusterFs.Cli.Display;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>Whether there is room for what is to be written.</summary>
internal static class SpaceCheck
{
    private const double LittleShare = 0.1;
    private const long Little = 10L << 30;
    private const long VeryLittle = 1L << 30;
    private const long AlmostNothing = 256L << 20;
    private const double FewFiles = 0.05;

    /// <param name="what">Of which setting the path is.</param>
    /// <param name="use">What is written there.</param>
    public static Check Create(string what, string path, string use) => new(
        NameOf(what), $"{use}: nothing of it can be written", "is the file system there? See 'findmnt' and the kernel's log", () =>
        {
            var there = Paths.Existing(path);
            return Judge(what, there, use, FileSystemSpace.Of(there));
        });

    public static IEnumerable<Finding> Judge(string what, string path, string use, FileSystemSpace space)
    {
        var name = NameOf(what);
        var seen = $"{path}: {Humane.Bytes(space.FreeBytes)} of {Humane.Bytes(space.Bytes)} free";
        var remedy = $"make room where {path} is, or move it";
        yield return space.FreeBytes < AlmostNothing ? Finding.Failure(name, seen, $"{use}: there is hardly room for any of it", remedy)
            : space.FreeBytes < VeryLittle || (space.FreeBytes < Little && space.FreeBytes < space.Bytes * LittleShare)
                ? Finding.Warning(name, seen, $"{use}: it may soon be full", remedy)
            : Finding.Ok(name, seen, use);
        if (space.Files > 0 && space.FreeFiles < space.Files * FewFiles)
        {
            yield return Finding.Warning(
                name, $"{path}: room for {space.FreeFiles} more files of {space.Files}", $"{use}: it may soon be full, whatever room there is for bytes",
                "delete files that nobody needs, or make the file system anew with more inodes");
        }
    }

    private static string NameOf(string what) => $"space for {what}";
}
