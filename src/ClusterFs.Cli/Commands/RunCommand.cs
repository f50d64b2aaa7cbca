using System.CommandLine;
using ClusterFs.Guard.Beside;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs run</c>.</summary>
public static class RunCommand
{
    public static Command Create()
    {
        var service = CommandArguments.Service();
        var program = new Argument<string[]>("CMD")
        {
            Description = "The service's program and its arguments, after --.",
            Arity = ArgumentArity.OneOrMore,
        };
        var wait = new Option<bool>("--wait") { Description = "Wait as a candidate until this node owns the service. The default." };
        var noWait = new Option<bool>("--no-wait") { Description = "End with code 3 if the service cannot be had at once." };
        var command = new Command("run", "Run a service's program whenever, and only while, this node owns the service.")
        {
            service, program, wait, noWait,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(wait) is not null && result.GetResult(noWait) is not null)
            {
                result.AddError("--wait and --no-wait exclude each other");
            }
        });
        command.SetAction(parsed =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = parsed.GetRequiredValue(service);
            _ = LocalService.Require(settings, name);
            var options = new RunOptions(
                settings.Node.GuardSocket, name, parsed.GetRequiredValue(program), !parsed.GetValue(noWait), Environment.ProcessPath!)
            {
                FindOwner = cancellation => LocalService.FindOtherOwnerAsync(settings, name, cancellation),
            };
            using var session = new RunSession(options, parsed.InvocationConfiguration.Error);
            return session.Run();
        });
        return command;
    }
}
