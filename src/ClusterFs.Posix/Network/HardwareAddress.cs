namespace ClusterFs.Posix.Network;

/// <summary>The address of an Ethernet interface, as `ip link` writes it: six bytes in small letters, with colons.</summary>
public readonly record struct HardwareAddress(string Text)
{
    public static HardwareAddress Of(ReadOnlySpan<byte> bytes) =>
        new(string.Join(':', Convert.ToHexStringLower(bytes).Chunk(2).Select(two => new string(two))));

    public override string ToString() => Text;
}
