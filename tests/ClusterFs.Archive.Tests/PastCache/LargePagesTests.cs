using System.Globalization;
using System.Runtime.CompilerServices;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.PastCache;

public sealed class LargePagesTests
{
    [SkippableTheory]
    [InlineData(LargePages.PageSize / 2)]
    [InlineData(LargePages.PageSize)]
    [InlineData((2 * LargePages.PageSize) + 5)]
    public void The_kernel_is_asked_for_large_pages_and_all_of_the_memory_lies_in_them(int length)
    {
        Skip.IfNot(Directory.Exists("/sys/kernel/mm/transparent_hugepage"), "this kernel has no transparent large pages");
        using var memory = new LargePages(length);
        var bytes = memory.GetSpan();

        Assert.Equal(length, bytes.Length);
        Assert.Equal(0, AddressOf(bytes) % LargePages.PageSize);
        Assert.Contains("hg", FlagsAt(AddressOf(bytes)));
        Assert.Contains("hg", FlagsAt(AddressOf(bytes) + length - 1));
    }

    [Fact]
    public void A_little_memory_is_in_ordinary_pages()
    {
        using var memory = new LargePages((LargePages.PageSize / 2) - 1);

        var flags = FlagsAt(AddressOf(memory.GetSpan()));
        Assert.Contains("rd", flags);
        Assert.DoesNotContain("hg", flags);
    }

    [Fact]
    public void It_begins_with_zeros_and_keeps_what_is_written()
    {
        using var memory = new LargePages(LargePages.PageSize + 3);
        var bytes = memory.GetSpan();
        Assert.Equal(-1, bytes.IndexOfAnyExcept((byte)0));

        bytes.Fill(7);

        Assert.Equal(-1, memory.GetSpan().IndexOfAnyExcept((byte)7));
    }

    [Fact]
    public void What_was_disposed_of_is_not_to_be_had()
    {
        var memory = new LargePages(LargePages.PageSize);

        ((IDisposable)memory).Dispose();
        ((IDisposable)memory).Dispose();

        Assert.Throws<ObjectDisposedException>(() => memory.Memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());
    }

    /// <summary>What other tests map meanwhile is far less.</summary>
    [Fact]
    public void What_was_disposed_of_is_given_back()
    {
        const int count = 20_000;
        var before = MappedBytes();

        for (var i = 0; i < count; i++)
        {
            using var memory = new LargePages(LargePages.PageSize);
        }

        Assert.InRange(MappedBytes() - before, long.MinValue, (long)count * LargePages.PageSize / 2);
    }

    private static long MappedBytes() =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[0], CultureInfo.InvariantCulture) * Environment.SystemPageSize;

    private static unsafe long AddressOf(Span<byte> bytes) => (long)Unsafe.AsPointer(ref bytes[0]);

    /// <summary>What the kernel notes of the memory at an address, as <c>proc(5)</c> lists it; nothing where there is none.</summary>
    private static string[] FlagsAt(long address)
    {
        var isThere = false;
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            var first = line.Split(' ', 2)[0];
            if (first.Split('-') is [var from, var to] && long.TryParse(from, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var start))
            {
                isThere = start <= address && address < long.Parse(to, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            }
            else if (isThere && first == "VmFlags:")
            {
                return line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..];
            }
        }

        return [];
    }
}
