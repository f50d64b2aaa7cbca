using System.CommandLine;
using ClusterFs.Guard.Beside;

namespace ClusterFs.Faults;

/// <summary><c>faults holders</c>: what <c>clusterfs hold</c> does, for many services in one process. Its end is the end of them all.</summary>
internal static class HoldersCommand
{
    public static Command Create()
    {
        var socket = new Option<string>("--socket") { Required = true };
        var services = new Option<string>("--services") { Required = true, Description = "A file with a name in each line" };
        var command = new Command("holders", "Hold many services until SIGTERM.") { socket, services };
        command.Hidden = true;
        command.SetAction(parsed => Run(parsed.GetRequiredValue(socket), File.ReadAllLines(parsed.GetRequiredValue(services))));
        return command;
    }

    /// <returns>The first exit code of a session that is not 0; 0 when there is none.</returns>
    private static async Task<int> Run(string socket, IReadOnlyList<string> services)
    {
        var messages = TextWriter.Synchronized(Console.Error);
        var codes = await Task.WhenAll(services.Select(async service =>
        {
            using var session = new HoldSession(new HoldOptions(socket, service), messages);
            return await session.RunAsync();
        }));
        return codes.FirstOrDefault(code => code != 0);
    }
}
