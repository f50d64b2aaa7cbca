using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.PastCache;

public sealed class UncachedTests
{
    private const int Size = (5 * Uncached.Alignment) + 17;

    [SkippableTheory]
    [InlineData(0, 1)]
    [InlineData(0, Uncached.Alignment)]
    [InlineData(Uncached.Alignment - 1, 2)]
    [InlineData(Uncached.Alignment + 1, (2 * Uncached.Alignment) - 1)]
    [InlineData(5, Size - 5)]
    [InlineData(Size - 1, 1)]
    [InlineData(Size - 3, 10)]
    [InlineData(Size, 10)]
    [InlineData(Size + Uncached.Alignment, 10)]
    public void Any_range_is_read_into_the_room_that_it_takes(int offset, int length)
    {
        using var bed = new TestBed();
        var content = new byte[Size];
        new Random(1).NextBytes(content);
        var path = Path.Combine(bed.Root, "file");
        File.WriteAllBytes(path, content);
        using var file = File.OpenHandle(path);
        Skip.IfNot(Uncached.TryBegin(file), "this file system does not read past the cache");
        var room = Uncached.Allocate(Uncached.RoomFor(length));

        var read = Uncached.Read(file, offset, length, room.Span);

        var expected = content.AsSpan(Math.Min(offset, Size)..Math.Min(offset + length, Size));
        Assert.True(expected.SequenceEqual(read));
    }
}
