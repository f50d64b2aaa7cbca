using System.Runtime.InteropServices;
using ClusterFs.Posix;
using ClusterFs.Posix.Network;

namespace ClusterFs.Guard.Tests.Addresses;

public sealed class RouteAnswerTests
{
    private const ushort Failed = 2;
    private const ushort Done = 3;
    private const ushort NewAddress = 20;
    private const ushort Interrupted = 0x10;

    private readonly RouteAnswer _answer = new("read", "addresses");

    [Fact]
    public void It_is_whole_at_its_end_and_keeps_what_came_before()
    {
        byte[] one = [1, 2, 3, 4, 5];
        _answer.Add([.. Message(NewAddress, one), .. Message(NewAddress)]);
        Assert.False(_answer.IsWhole);

        _answer.Add(Message(Done, 0));

        Assert.True(_answer is { IsWhole: true, WasInterrupted: false });
        Assert.Equal([one, []], _answer.Found.Select(found => found.Body.ToArray()));
    }

    [Theory]
    [InlineData(NewAddress)]
    [InlineData(Done)]
    public void What_changed_while_it_was_read_has_to_be_read_again(ushort type)
    {
        _answer.Add(Message(type, [0, 0, 0, 0], Interrupted));

        Assert.True(_answer.WasInterrupted);
    }

    [Theory]
    [InlineData(Failed)]
    [InlineData(Done)]
    public void An_error_is_one_wherever_it_stands(ushort type) =>
        Assert.Equal(PosixException.NotPermitted, Assert.Throws<PosixException>(() => _answer.Add(Message(type, -PosixException.NotPermitted))).Error);

    [Theory]
    [InlineData(8u)]
    [InlineData(17u)]
    [InlineData(uint.MaxValue)]
    public void A_length_that_cannot_be_is_an_error(uint length)
    {
        var message = Message(NewAddress);
        MemoryMarshal.Write(message, length);

        Assert.Equal(PosixException.BadMessage, Assert.Throws<PosixException>(() => _answer.Add(message)).Error);
    }

    private static byte[] Message(ushort type, int result) => Message(type, BitConverter.GetBytes(result));

    private static byte[] Message(ushort type, byte[]? body = null, ushort flags = 0)
    {
        var message = new byte[RouteMessage.Aligned(16 + (body?.Length ?? 0))];
        MemoryMarshal.Write(message, 16 + (body?.Length ?? 0));
        MemoryMarshal.Write(message.AsSpan(4), type);
        MemoryMarshal.Write(message.AsSpan(6), flags);
        body?.CopyTo(message, 16);
        return message;
    }
}
