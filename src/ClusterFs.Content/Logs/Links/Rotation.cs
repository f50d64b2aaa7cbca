using ClusterFs.Posix;

namespace ClusterFs.Content.Logs.Links;

/// <summary>Whether a logrotate runs on this node. It finds logs by the link, and renames them one after another.</summary>
internal static class Rotation
{
    private const string Program = "logrotate";

    public static bool IsUnderWay()
    {
        foreach (var process in DirectoryNames.Of("/proc").Names.Where(name => char.IsAsciiDigit(name[0])))
        {
            try
            {
                if (File.ReadAllText($"/proc/{process}/comm").TrimEnd('\n') == Program)
                {
                    return true;
                }
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // It has ended, and what another user runs can be seen by root.
            }
        }

        return false;
    }
}
