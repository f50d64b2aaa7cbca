using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace ClusterFs.Posix;

/// <summary>
/// What is in a directory, by name alone. .NET asks of every link what it leads to, which hangs with storage that does, and hides what its names are.
/// </summary>
/// <param name="Names">In order.</param>
/// <param name="Unreadable">Names that are not UTF-8, made readable: nothing can be opened by these.</param>
public sealed record DirectoryNames(ImmutableArray<string> Names, ImmutableArray<string> Unreadable)
{
    public bool IsEmpty => Names.IsEmpty && Unreadable.IsEmpty;

    /// <summary>Reads the names.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static unsafe DirectoryNames Of(string directory)
    {
        var entries = Libc.OpenEntries(directory);
        if (entries == 0)
        {
            throw Marshal.GetLastPInvokeError() == PosixException.NoEntry
                ? new DirectoryNotFoundException($"There is no directory {directory}.")
                : PosixException.Last("open", directory);
        }

        // The same on every 64-bit Linux.
        const int nameAt = 19;
        try
        {
            var (names, unreadable) = (new List<string>(), new List<string>());
            byte* entry;
            while ((entry = Libc.ReadEntry(entries)) is not null)
            {
                var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + nameAt);
                if (!Utf8.IsValid(name))
                {
                    unreadable.Add(Readable(name));
                }
                else if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                {
                    names.Add(Encoding.UTF8.GetString(name));
                }
            }

            if (Marshal.GetLastPInvokeError() != 0)
            {
                throw PosixException.Last("read", directory);
            }

            names.Sort(StringComparer.Ordinal);
            return new DirectoryNames([.. names], [.. unreadable]);
        }
        finally
        {
            _ = Libc.CloseEntries(entries);
        }
    }

    private static string Readable(ReadOnlySpan<byte> name)
    {
        var text = new StringBuilder();
        foreach (var one in name)
        {
            _ = one is > 0x20 and < 0x7f ? text.Append((char)one) : text.Append(CultureInfo.InvariantCulture, $"\\x{one:x2}");
        }

        return text.ToString();
    }
}
