using System.Diagnostics;
using System.Runtime.InteropServices;
using ClusterFs.Posix.Network;

namespace ClusterFs.Guard.Tests.Addresses;

/// <summary>A network of a test's own, in which it can do what it likes.</summary>
internal static partial class OwnNetwork
{
    private const int NewNetwork = 0x40000000;

    /// <summary>On a thread of its own, which nobody else gets; as root alone, as those who run the guard.</summary>
    /// <param name="test">Is given own0, which is one end of a cable; own1 is the other.</param>
    public static void Run(Action<NetworkLink> test)
    {
        Skip.IfNot(Environment.IsPrivilegedProcess && File.Exists("/usr/sbin/ip"), "needs root and /usr/sbin/ip, to have a network of its own");
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Assert.Equal(0, Unshare(NewNetwork));
                Shell("ip link add own0 type veth peer name own1 && ip link set own0 up && ip link set own1 up");
                test(Assert.Single(LinkTable.Read().Links, link => link.Name == "own0"));
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    /// <summary>In the network of the thread that calls it.</summary>
    public static void Shell(string command)
    {
        using var shell = Process.Start("/bin/sh", ["-c", command]);
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);
}
