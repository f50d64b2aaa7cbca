using ClusterFs.Content.Tests.Config;
using ClusterFs.Content.Tests.Seeded;
using ClusterFs.Content.Tests.Static;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests;

/// <summary>What this assembly does when a test starts it as a process of its own.</summary>
internal static class ChildProgram
{
    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["render", var root, var point]:
                SeededBed.Render(new SeededBed(root).Start(reached: DieAt(point)));
                return 0;
            case ["render-mode", var root, var point]:
                SeededBed.Render(new SeededBed(root).Start(file => file with { Mode = 0x1A0 }, reached: DieAt(point)));
                return 0;
            case ["use", var root, var kind, var point]:
                ConfigBed.Tend(ConfigCrashTests.Start(new ConfigBed(root), kind, DieAt(point)));
                return 0;
            case ["publish", var root, var cache]:
                StaticCrashTests.Bed(cache, root).Publish();
                return 0;
            case ["follow", var root, var cache]:
                StaticCrashTests.Bed(cache, root).Follow().Dispose();
                return 0;
            default:
                Console.Error.WriteLine("This is a test assembly: run it with dotnet test.");
                return 2;
        }
    }

    private static Action<string> DieAt(string point) => reached =>
    {
        if (reached == point)
        {
            Processes.Signal(Environment.ProcessId, Processes.SignalKill);
        }
    };
}
