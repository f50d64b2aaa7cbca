using System.Globalization;

namespace ClusterFs.Posix;

/// <summary>The users and groups of this machine, from wherever it has them: files, a directory service. May wait for a network.</summary>
public static class Accounts
{
    /// <summary>struct passwd and struct group are smaller.</summary>
    private const int EntrySize = 128;

    /// <summary>After two pointers, in both: the name and the password.</summary>
    private const int IdOffset = 16;

    /// <summary>A group's members are in it.</summary>
    private const int MaxTextSize = 1 << 24;

    private unsafe delegate int Lookup(string name, byte* entry, byte* buffer, nuint size, out nint found);

    /// <summary>The number of a user; a name that is a number is that number.</summary>
    /// <returns>Null when there is no such user.</returns>
    public static unsafe uint? FindUser(string name) => Find(name, Libc.FindUser);

    /// <summary>The number of a group; a name that is a number is that number.</summary>
    /// <returns>Null when there is no such group.</returns>
    public static unsafe uint? FindGroup(string name) => Find(name, Libc.FindGroup);

    /// <summary>Whom this process acts as.</summary>
    public static uint Current => Libc.EffectiveUser();

    private static unsafe uint? Find(string name, Lookup lookup)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        var entry = stackalloc byte[EntrySize];
        for (var size = 4096; ; size *= 2)
        {
            fixed (byte* text = new byte[size])
            {
                var error = lookup(name, entry, text, (nuint)size, out var found);
                if (error != PosixException.Range || size >= MaxTextSize)
                {
                    return found == 0 ? null : *(uint*)(entry + IdOffset);
                }
            }
        }
    }
}
