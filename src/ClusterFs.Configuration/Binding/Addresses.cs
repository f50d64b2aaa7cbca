using System.Net;

namespace ClusterFs.Configuration.Binding;

/// <summary>What may stand for a node on the network.</summary>
internal static class Addresses
{
    /// <summary>The usual way to write an address; null when it is none.</summary>
    public static string? Normalize(string text) => IPAddress.TryParse(text, out var address) ? address.ToString() : null;

    /// <summary>Whether it is an address, and one that may be another machine's.</summary>
    public static bool IsElsewhere(string text) => IPAddress.TryParse(text, out var address) && !IPAddress.IsLoopback(address);
}
