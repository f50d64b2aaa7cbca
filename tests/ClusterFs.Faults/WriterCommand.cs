using System.CommandLine;
using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults;

/// <summary><c>faults writer</c>: the service of the rig's clusters.</summary>
internal static class WriterCommand
{
    public static Command Create()
    {
        var service = new Option<string>("--service") { Required = true };
        var node = new Option<string>("--node") { Required = true };
        var data = new Option<string>("--data") { Required = true };
        var timeline = new Option<string>("--timeline") { Required = true };
        var ballast = new Option<long>("--ballast");
        var command = new Command("writer", "Write numbered records until SIGTERM.") { service, node, data, timeline, ballast };
        command.Hidden = true;
        command.SetAction(parsed => Writer.Run(new WriterOptions(
            parsed.GetRequiredValue(service),
            parsed.GetRequiredValue(node),
            parsed.GetRequiredValue(data),
            parsed.GetRequiredValue(timeline),
            parsed.GetValue(ballast))));
        return command;
    }
}
