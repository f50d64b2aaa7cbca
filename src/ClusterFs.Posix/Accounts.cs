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
    /// <exception cref="PosixException">It cannot be told: a directory service does not answer.</exception>
    public static unsafe uint? FindUser(string name) => Find(name, "getpwnam", Libc.FindUser);

    /// <summary>The number of a group; a name that is a number is that number.</summary>
    /// <returns>Null when there is no such group.</returns>
    /// <exception cref="PosixException">It cannot be told: a directory service does not answer.</exception>
    public static unsafe uint? FindGroup(string name) => Find(name, "getgrnam", Libc.FindGroup);

    /// <summary>Whom this process acts as.</summary>
    public static uint Current => Libc.EffectiveUser();

    /// <summary>The C library says "there is none" in several ways, as its manual has it.</summary>
    private static bool SaysNone(int error) => error is 0
        or PosixException.NotPermitted or PosixException.NoEntry or PosixException.NoProcess or PosixException.BadDescriptor;

    private static unsafe uint? Find(string name, string call, Lookup lookup)
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
                if (error == PosixException.Range && size < MaxTextSize)
                {
                    continue;
                }

                return found != 0 ? *(uint*)(entry + IdOffset)
                    : SaysNone(error) ? null
                    : throw new PosixException(call, name, error);
            }
        }
    }
}
