using System.Globalization;

namespace ClusterFs.Content.Logs;

/// <summary>
/// Where a service's logs are. On shared storage, <c>clusterfs/logs/SERVICE/NODE/LINK</c>, LINK being the name of the link; beside it
/// <c>LINK@TIME</c> with what was moved there from a spool, or from a directory that was in the link's place. With the node in the file names,
/// <c>clusterfs/logs/SERVICE/LINK</c> and <c>LINK@TIME.NODE</c>. On the node, <c>.LINK.clusterfs</c> beside the link.
/// </summary>
internal static class LogLayout
{
    public const char MovedMark = '@';
    private const string TimeFormat = "yyyyMMdd'T'HHmmssfff'Z'";
    private const int TimeLength = 19;

    public static string ServiceDirectory(string shared, string service) => Path.Combine(shared, "clusterfs", "logs", service);

    /// <summary>What has the directories of one node's links in it.</summary>
    public static string NodeDirectory(string shared, string service, string node, bool nodeInName) =>
        nodeInName ? ServiceDirectory(shared, service) : Path.Combine(ServiceDirectory(shared, service), node);

    /// <summary>What a link leads to.</summary>
    public static string Target(string shared, string service, string node, string link, bool nodeInName) =>
        Path.Combine(NodeDirectory(shared, service, node, nodeInName), NameOf(link));

    /// <summary>What of a node was moved later, or earlier than there was a link.</summary>
    public static string MovedName(string link, string time, string node, bool nodeInName) =>
        nodeInName ? $"{NameOf(link)}{MovedMark}{time}.{node}" : $"{NameOf(link)}{MovedMark}{time}";

    /// <summary>Reads the name of a directory beside the links' own.</summary>
    /// <param name="node">The node in it; empty where there is none.</param>
    public static bool TryParseMoved(string directory, out string link, out string node)
    {
        (link, node) = ("", "");
        var mark = directory.LastIndexOf(MovedMark);
        if (mark <= 0 || directory.Length < mark + 1 + TimeLength || !IsTime(directory.Substring(mark + 1, TimeLength)))
        {
            return false;
        }

        var rest = directory[(mark + 1 + TimeLength)..];
        link = directory[..mark];
        node = rest.Length > 1 ? rest[1..] : "";
        return rest.Length == 0 || rest[0] == '.';
    }

    /// <summary>What the node keeps beside a link: the spool, and what is still to be moved.</summary>
    public static string LocalDirectory(string link) => Path.Combine(Path.GetDirectoryName(link)!, $".{NameOf(link)}.clusterfs");

    /// <summary>Where logs go while shared storage is away.</summary>
    public static string Spool(string link) => Path.Combine(LocalDirectory(link), "spool");

    public static string NameOf(string link) => Path.GetFileName(link);

    public static string TimeText(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    /// <summary>Whether a directory beside the spool holds what is to be moved.</summary>
    public static bool IsTime(string name) =>
        DateTime.TryParseExact(name, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
}
