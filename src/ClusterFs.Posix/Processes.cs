using System.Runtime.InteropServices;

namespace ClusterFs.Posix;

/// <summary>Signals and the other process calls that .NET does not offer.</summary>
public static class Processes
{
    public const int SignalInterrupt = 2;
    public const int SignalKill = 9;
    public const int SignalPipe = 13;
    public const int SignalTerminate = 15;
    public const int SignalContinue = 18;
    public const int SignalStop = 19;

    /// <summary>Sends a signal to a process, or to a process group when <paramref name="process"/> is negative.</summary>
    /// <returns>False when there is no such process.</returns>
    /// <exception cref="PosixException">The signal is not permitted.</exception>
    public static bool Signal(int process, int signal)
    {
        if (process is 0 or 1 or -1)
        {
            throw new ArgumentOutOfRangeException(nameof(process), process, "would reach processes that are not the service's");
        }

        if (Libc.Kill(process, signal) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == PosixException.NoProcess ? false : throw new PosixException("kill", $"{process}", error);
    }

    /// <summary>Makes this process the leader of a new session and process group.</summary>
    public static void StartSession()
    {
        if (Libc.SetSession() < 0)
        {
            throw PosixException.Last("setsid", $"{Environment.ProcessId}");
        }
    }

    /// <summary>Has this process killed when the thread that started it ends.</summary>
    public static void DieWithParent() => Control(Libc.SetParentDeathSignal, SignalKill);

    /// <summary>Orphans among this process's descendants become its children, so that none escapes it by forking twice.</summary>
    public static void AdoptOrphans() => Control(Libc.SetChildSubreaper, 1);

    /// <summary>Takes away an ended child that .NET did not start.</summary>
    public static void Reap(int process) => _ = Libc.WaitProcess(process, out _, Libc.WaitNoHang);

    /// <summary>Restores the default action of a signal that .NET ignores; an ignored one stays so across an exec.</summary>
    public static void RestoreDefault(int signal) => _ = Libc.Signal(signal, 0);

    /// <summary>How much the calling thread gives way to others that want a processor: -20 to 19 (nice(2): on Linux it is a thread's).</summary>
    public static int ThreadNiceness => Libc.Nice(0);

    /// <summary>
    /// Has the calling thread alone give way to others that want a processor, for good: only root could take it back. What it starts gives way likewise.
    /// </summary>
    /// <param name="niceness">At least so much, to 19; nothing happens where it does already.</param>
    public static void YieldThread(int niceness) => _ = Libc.Nice(Math.Max(0, niceness - ThreadNiceness));

    /// <summary>Whether this process has the rights of root.</summary>
    public static bool IsRoot => Libc.EffectiveUser() == 0;

    /// <summary>The user that this process acts as.</summary>
    public static uint EffectiveUser => Libc.EffectiveUser();

    /// <summary>The group that this process acts as.</summary>
    public static uint EffectiveGroup => Libc.EffectiveGroup();

    /// <summary>Replaces this process by a program, looked up in PATH. Returns only by throwing.</summary>
    /// <exception cref="PosixException">The program cannot be started.</exception>
    public static unsafe void Execute(string file, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var argumentBlock = AllocateBlock([file, .. arguments]);
        var environmentBlock = AllocateBlock([.. environment.Select(pair => $"{pair.Key}={pair.Value}")]);
        _ = Libc.Execute(file, (byte**)argumentBlock, (byte**)environmentBlock);
        throw PosixException.Last("exec", file);
    }

    private static nint AllocateBlock(string[] values)
    {
        var block = Marshal.AllocHGlobal((values.Length + 1) * nint.Size);
        for (var i = 0; i < values.Length; i++)
        {
            Marshal.WriteIntPtr(block, i * nint.Size, Marshal.StringToCoTaskMemUTF8(values[i]));
        }

        Marshal.WriteIntPtr(block, values.Length * nint.Size, 0);
        return block;
    }

    private static void Control(int option, nuint argument)
    {
        if (Libc.ProcessControl(option, argument, 0, 0, 0) != 0)
        {
            throw PosixException.Last("prctl", $"{option}");
        }
    }
}
