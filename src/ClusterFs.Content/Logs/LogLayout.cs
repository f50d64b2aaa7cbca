using System.Globalization;

namespace ClusterFs.Content.Logs;

/// <summary>
/// Where a service's logs are. On shared storage, <c>clusterfs/logs/SERVICE/NODE/LINK</c>, LINK being the name of the link; beside it
/// <c>LINK@TIME</c> with what was moved there from a spool, or from a directory that was in the link's place. Each node has its own, whatever files are
/// called: nodes that rotate one another's logs overwrite them. On the node, <c>.LINK.clusterfs</c> beside the link.
/// </summary>
internal static class LogLayout
{
    public const char MovedMark = '@';
    private const string TimeFormat = "yyyyMMdd'T'HHmmssfff'Z'";

    public static string ServiceDirectory(string shared, string service) => Path.Combine(shared, "clusterfs", "logs", service);

    /// <summary>What has the directories of one node's links in it.</summary>
    public static string NodeDirectory(string shared, string service, string node) => Path.Combine(ServiceDirectory(shared, service), node);

    /// <summary>What a link leads to.</summary>
    public static string Target(string shared, string service, string node, string link) => Path.Combine(NodeDirectory(shared, service, node), NameOf(link));

    /// <summary>What of a node was moved later, or earlier than there was a link.</summary>
    public static string MovedName(string link, string time) => $"{NameOf(link)}{MovedMark}{time}";

    /// <summary>The link that a directory on shared storage, beside the links' own or one of these, has its files from.</summary>
    public static string LinkOf(string directory) =>
        directory.LastIndexOf(MovedMark) is var mark and > 0 && IsTime(directory[(mark + 1)..]) ? directory[..mark] : directory;

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
