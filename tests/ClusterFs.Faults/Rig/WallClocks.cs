using System.Buffers.Binary;
using ClusterFs.Demo;

namespace ClusterFs.Faults.Rig;

/// <summary>
/// The wall clocks of the nodes, which can be set; CLOCK_BOOTTIME and CLOCK_MONOTONIC_RAW stay the machine's. A small library, preloaded
/// into every process of a node, makes them; it is compiled where it is used.
/// </summary>
internal sealed class WallClocks(string directory)
{
    private const string Variable = "CLUSTERFS_FAULT_WALL_CLOCK";

    /// <summary>The C compilers that will do, the preferred one first.</summary>
    public static IReadOnlyList<string> Compilers { get; } = ["cc", "clang", "gcc"];

    private static string Source => Path.Combine(AppContext.BaseDirectory, "wallclock.c");

    private string Library => Path.Combine(directory, "wallclock.so");

    /// <exception cref="ConditionNotMetException">There is no compiler, or it fails.</exception>
    public async Task Build() =>
        await Shell.Run(
            Programs.Find(Compilers) ?? throw new ConditionNotMetException("there is no C compiler"),
            "-shared", "-fPIC", "-O2", "-o", Library, Source);

    public IReadOnlyDictionary<string, string> EnvironmentOf(string node) =>
        new Dictionary<string, string> { ["LD_PRELOAD"] = Library, [Variable] = FileOf(node) };

    /// <summary>Sets a node's clock, at once and for all of its processes.</summary>
    /// <param name="node">Whose.</param>
    /// <param name="offset">From the machine's, in whole seconds.</param>
    public void Set(string node, TimeSpan offset)
    {
        Span<byte> seconds = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(seconds, (long)offset.TotalSeconds);
        using var file = File.OpenHandle(FileOf(node), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, seconds, 0);
    }

    private string FileOf(string node) => Path.Combine(directory, $"{node}.clock");
}
