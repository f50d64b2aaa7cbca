using System.Runtime.InteropServices;

namespace ClusterFs.Posix;

/// <summary>A system call that failed: which, on what, and the kernel's words for why.</summary>
public sealed class PosixException(string call, string subject, int error)
    : IOException($"{call} {subject}: {Marshal.GetPInvokeErrorMessage(error)}")
{
    public const int NotPermitted = 1;
    public const int NoEntry = 2;
    public const int NoProcess = 3;
    public const int NoSuchAddress = 6;
    public const int BadDescriptor = 9;
    public const int Again = 11;
    public const int AccessDenied = 13;
    public const int Busy = 16;
    public const int Exists = 17;
    public const int CrossDevice = 18;
    public const int NoDevice = 19;
    public const int NotDirectory = 20;
    public const int Invalid = 22;
    public const int NotTerminal = 25;
    public const int NoSpace = 28;
    public const int BrokenPipe = 32;
    public const int Range = 34;
    public const int NotImplemented = 38;
    public const int NotEmpty = 39;
    public const int Loop = 40;
    public const int NoData = 61;
    public const int BadMessage = 74;
    public const int NotSupported = 95;
    public const int AddressNotThere = 99;
    public const int Quota = 122;

    /// <summary>The value of errno.</summary>
    public int Error { get; } = error;

    internal static PosixException Last(string call, string subject) => new(call, subject, Marshal.GetLastPInvokeError());
}
