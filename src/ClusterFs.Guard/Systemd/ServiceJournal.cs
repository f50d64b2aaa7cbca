using System.Net.Sockets;
using System.Text;

namespace ClusterFs.Guard.Systemd;

/// <summary>Puts a line into the journal of another unit, where whoever starts that one looks for the reason.</summary>
internal static class ServiceJournal
{
    private const string JournalSocket = "/run/systemd/journal/socket";

    /// <summary>As an error of the unit.</summary>
    /// <returns>False where this process was not started by systemd, or the journal does not listen.</returns>
    public static bool TrySay(string unit, string text)
    {
        if (Environment.GetEnvironmentVariable("JOURNAL_STREAM") is null)
        {
            return false;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(JournalSocket));
            _ = socket.Send(Encoding.UTF8.GetBytes(
                $"MESSAGE={text.ReplaceLineEndings(" ")}\nPRIORITY=3\nSYSLOG_IDENTIFIER=clusterfs\nOBJECT_SYSTEMD_UNIT={unit}\n"));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
