using System.CommandLine;

namespace ClusterFs.Cli.Commands;

public static class StatusCommand
{
    public static Command Create()
    {
        var service = new Argument<string?>("SERVICE") { Description = "Only this service.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("status", "Who owns what, how fresh its dumps are, and what a failure would lose now.") { service };
        command.SetAction(parsed =>
        {
            var settings = GlobalOptions.Load(parsed);
            if (parsed.GetValue(service) is { } name)
            {
                settings.RequireService(name);
            }

            return ExitCodes.Done;
        });
        return command;
    }
}
