using ClusterFs.Archive.Restore;

namespace ClusterFs.Archive.Rehearsal;

/// <summary>How much room a disk has, and how much of it a rehearsal leaves to what needs it more: the service, its standby copy, a takeover.</summary>
/// <param name="Free">Bytes, to this user.</param>
/// <param name="Total">Bytes.</param>
internal sealed record DiskRoom(long Free, long Total)
{
    private const long LeastReserve = 64L << 20;
    private const long MostReserve = 1L << 30;
    private const int PartInReserve = 20;

    /// <summary>Bytes that stay free.</summary>
    public long Reserve => Math.Clamp(Total / PartInReserve, LeastReserve, MostReserve);

    public bool IsFull => Free < Reserve;

    public string Words => $"{Free} bytes are free, and {Reserve} have to stay so. Make room.";

    /// <exception cref="IOException">The disk does not say.</exception>
    public static DiskRoom Of(string directory)
    {
        var disk = new DriveInfo(directory);
        return new DiskRoom(disk.AvailableFreeSpace, disk.TotalSize);
    }
}

/// <summary>Ends a restore that would fill the disk, be it by the writes of others.</summary>
internal sealed class RoomWatch(string directory, IProgress<RestoreProgress>? next) : IProgress<RestoreProgress>
{
    /// <exception cref="LocalContentException">The disk has no more room.</exception>
    public void Report(RestoreProgress value)
    {
        if (DiskRoom.Of(directory) is { IsFull: true } room)
        {
            throw new LocalContentException($"The restore was stopped because the disk filled: {room.Words}");
        }

        next?.Report(value);
    }
}

/// <summary>Looks at a disk every second, on a thread of its own.</summary>
internal sealed class FullDisk : IDisposable
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _full = new();
    private readonly ManualResetEventSlim _ended = new();
    private readonly Thread _watch;
    private volatile DiskRoom? _found;

    public FullDisk(string directory)
    {
        _watch = new Thread(() => Watch(directory)) { IsBackground = true, Name = "room" };
        _watch.Start();
    }

    /// <summary>The room that it had then; null while it has enough.</summary>
    public DiskRoom? Found => _found;

    /// <summary>Cancelled as soon as the disk has less room than it shall.</summary>
    public CancellationToken Token => _full.Token;

    public void Dispose()
    {
        _ended.Set();
        _watch.Join();
        _full.Dispose();
        _ended.Dispose();
    }

    private void Watch(string directory)
    {
        do
        {
            if (Look(directory) is { IsFull: true } room)
            {
                _found = room;
                _full.Cancel();
                return;
            }
        }
        while (!_ended.Wait(Between));
    }

    private static DiskRoom? Look(string directory)
    {
        try
        {
            return DiskRoom.Of(directory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The check or the deletion after it will say what is wrong with the disk.
            return null;
        }
    }
}
