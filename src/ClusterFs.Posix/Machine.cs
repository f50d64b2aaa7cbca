using System.Globalization;

namespace ClusterFs.Posix;

/// <summary>The machine as a whole.</summary>
public static class Machine
{
    private const int BootCapability = 22;
    private const string EffectiveCapabilities = "CapEff:";

    /// <summary>Whether this process has CAP_SYS_BOOT.</summary>
    public static bool MayReboot =>
        File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(EffectiveCapabilities, StringComparison.Ordinal)) is { } line
        && ((ulong.Parse(line.AsSpan(EffectiveCapabilities.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> BootCapability) & 1) == 1;

    /// <summary>
    /// Reboots at once: nobody is asked to end, and nothing is synced. Within a PID namespace it is that namespace that ends. Returns only by
    /// throwing.
    /// </summary>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static void Reboot()
    {
        _ = Libc.Reboot(Libc.RebootRestart);
        throw PosixException.Last("reboot", "this machine");
    }
}
