namespace ClusterFs.Simulation;

/// <summary>128 bits that stand for a state: of a million states, no two share them but by a chance of one in 10^26.</summary>
internal struct StateHash()
{
    private ulong _one = 0x243F6A8885A308D3;
    private ulong _two = 0x13198A2E03707344;

    public readonly UInt128 Value => new(_one, _two);

    public void Add(long value)
    {
        _one = Mix(_one ^ (ulong)value, 0x9E3779B97F4A7C15);
        _two = Mix(_two + (ulong)value, 0xC2B2AE3D27D4EB4F);
    }

    public void Add(TimeSpan value) => Add(value.Ticks);

    public void Add(bool value) => Add(value ? 1 : 2);

    public void Add(string? value)
    {
        Add(value?.Length ?? -1);
        foreach (var letter in value ?? "")
        {
            Add(letter);
        }
    }

    public void Add(Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = value.TryWriteBytes(bytes);
        Add(BitConverter.ToInt64(bytes));
        Add(BitConverter.ToInt64(bytes[8..]));
    }

    private static ulong Mix(ulong value, ulong factor)
    {
        var mixed = value * factor;
        mixed ^= mixed >> 32;
        mixed *= 0xD6E8FEB86659FD93;
        return mixed ^ (mixed >> 29);
    }
}
