using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs explain</c>.</summary>
public static class ExplainCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        var service = CommandArguments.Service();
        var node = new Argument<string?>("NODE") { Description = "Only how this node stands.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command(
            "explain", "Why a service is where it is, and why each node may own it next or may not: what is decided by, in words. Of the service's addresses: whether they are on this node, or why not.") { service, node };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = parsed.GetRequiredValue(service);
            settings.RequireService(name);
            var terminal = Terminal.Of(parsed);
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await client.ExplainAsync(name, parsed.GetValue(node), AnswerTimeout, cancellation).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(report, ApiJson.Default.ExplainReport);
                return ExitCodes.Done;
            }

            foreach (var sentence in report.Why)
            {
                terminal.Write(sentence);
            }

            terminal.Write("");
            foreach (var standing in report.Nodes)
            {
                terminal.Write($"{standing.Node}  {standing.Standing,-9}  {standing.Text}");
            }

            foreach (var address in report.Addresses.IsDefault ? [] : report.Addresses)
            {
                terminal.Write(Tell(address));
            }

            await Maintenance.SayAsync(terminal, client, cancellation).ConfigureAwait(false);

            return ExitCodes.Done;
        });
        return command;
    }

    internal static string Tell(AddressStandingReport address) => address switch
    {
        { On: true, OnForSeconds: { } seconds } => $"{address.Address} is on {address.Node}, on {address.Interface}, for {Humane.Seconds(seconds)}: {address.Text}",
        { On: true } => $"{address.Address} is on {address.Node}, on {address.Interface}: {address.Text}",
        _ => $"{address.Address} is not on {address.Node}: {address.Text}",
    };
}
