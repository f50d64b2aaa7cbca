using System.Globalization;

namespace ClusterFs.Demo.Layout;

/// <summary>The demo's service as a service of a local cluster.</summary>
public static class GuestbookService
{
    public const string Name = "guestbook";

    /// <param name="binaries">Where its executable is.</param>
    /// <param name="dumpEvery">From the start of one dump to the start of the next.</param>
    /// <param name="around">What stands before its command line, for each node; null for nothing.</param>
    public static LocalService Create(Binaries binaries, TimeSpan dumpEvery, Func<ClusterNode, IReadOnlyList<string>>? around = null) =>
        new(
            Name,
            dumpEvery,
            node => [.. around?.Invoke(node) ?? [], binaries.Guestbook, "--data", node.LivePath(Name), "--listen", ListenAddress(node)]);

    /// <summary>Where it answers while it runs on a node.</summary>
    public static Uri AddressOn(ClusterNode node) => new($"http://{ListenAddress(node)}/");

    private static string ListenAddress(ClusterNode node) =>
        string.Create(CultureInfo.InvariantCulture, $"{node.Address}:{node.ServicePort}");
}
