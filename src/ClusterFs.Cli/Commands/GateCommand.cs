using System.CommandLine;
using ClusterFs.Guard.Beside;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs gate</c>: what <c>run</c> starts, and what becomes the service. Nobody types it.</summary>
public static class GateCommand
{
    public static Command Create()
    {
        var socket = new Option<string>("--socket") { Required = true };
        var service = new Option<string>("--service") { Required = true };
        var token = new Option<string>("--token") { Required = true };
        var epoch = new Option<long>("--epoch") { Required = true };
        var beside = new Option<int>("--beside") { Required = true };
        var program = new Argument<string[]>("CMD") { Arity = ArgumentArity.OneOrMore };
        var command = new Command("gate", "Becomes a service once the guard lets it.") { socket, service, token, epoch, beside, program };
        command.Hidden = true;
        command.SetAction(parsed => Gate.Pass(
            new GateOptions(
                parsed.GetRequiredValue(socket),
                parsed.GetRequiredValue(service),
                parsed.GetRequiredValue(token),
                parsed.GetRequiredValue(epoch),
                parsed.GetRequiredValue(beside),
                parsed.GetRequiredValue(program)),
            parsed.InvocationConfiguration.Error));
        return command;
    }
}
