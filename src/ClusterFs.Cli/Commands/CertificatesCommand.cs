using System.CommandLine;
using System.Net;
using ClusterFs.Cli.Certificates;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs certificates</c>.</summary>
public static class CertificatesCommand
{
    private const int TenYears = 3650;

    public static Command Create() =>
        new("certificates", "Make what the nodes prove to one another who they are with (clusterfs.tls).") { CreateAuthority(), CreateNode(), CreateRenew() };

    private static Command CreateAuthority()
    {
        var directory = Directory("--out", "Where authority.pem and authority.key are written. Keep the key off the nodes.");
        var cluster = new Option<string>("--cluster") { Description = "The cluster's name.", DefaultValueFactory = _ => "clusterfs", HelpName = "NAME" };
        var days = Days();
        var command = new Command("authority", "Make an authority of the cluster's own.") { directory, cluster, days };
        command.SetAction(parsed => Report(parsed, CertificateMaker.MakeAuthority(
            parsed.GetRequiredValue(directory), parsed.GetRequiredValue(cluster), parsed.GetValue(days), TimeProvider.System.GetUtcNow())));
        return command;
    }

    private static Command CreateNode()
    {
        var node = new Argument<string>("node") { Description = "The node's name in clusterfs.cluster.nodes.", HelpName = "NODE" };
        var authority = Directory("--authority", "Where authority.pem and authority.key are.");
        var directory = Directory("--out", "Where NODE.pem and NODE.key are written.");
        var address = new Option<string?>("--address") { Description = "An IP address to name in it as well.", HelpName = "ADDRESS" };
        address.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !IPAddress.TryParse(text, out _))
            {
                result.AddError($"'{text}' is no IP address");
            }
        });
        var days = Days();
        var command = new Command("node", "Make the certificate and key of one node, signed by the authority.") { node, authority, directory, address, days };
        command.SetAction(parsed => Report(parsed, CertificateMaker.MakeNode(
            parsed.GetRequiredValue(directory),
            parsed.GetRequiredValue(authority),
            parsed.GetRequiredValue(node),
            parsed.GetValue(address) is { } text ? IPAddress.Parse(text) : null,
            parsed.GetValue(days),
            TimeProvider.System.GetUtcNow())));
        return command;
    }

    private static Command CreateRenew()
    {
        var node = new Argument<string>("node") { Description = "The node whose certificate is to be good for longer.", HelpName = "NODE" };
        var authority = Directory("--authority", "Where authority.pem and authority.key are.");
        var directory = Directory("--out", "Where NODE.pem and NODE.key are; NODE.pem is replaced.");
        var newKey = new Option<bool>("--new-key") { Description = "Make a new key as well, and replace NODE.key. Without it the key stays." };
        var days = Days();
        var command = new Command(
            "renew",
            "Replace a node's certificate by one for the same names that is good for longer. On the node, its guard uses it within seconds, and "
            + "its daemon from its next start (SIGHUP ends the daemon alone); no lease is lost.")
        {
            node, authority, directory, newKey, days,
        };
        command.SetAction(parsed =>
        {
            var hasNewKey = parsed.GetValue(newKey);
            var (certificate, key, until) = CertificateMaker.Renew(
                parsed.GetRequiredValue(directory),
                parsed.GetRequiredValue(authority),
                parsed.GetRequiredValue(node),
                hasNewKey,
                parsed.GetValue(days),
                TimeProvider.System.GetUtcNow());
            parsed.InvocationConfiguration.Output.WriteLine(
                $"wrote {certificate}, good until {until:yyyy-MM-dd}; {(hasNewKey ? $"{key} is new, too" : $"the key in {key} stays")}");
            return ExitCodes.Done;
        });
        return command;
    }

    private static Option<string> Directory(string name, string description) =>
        new(name) { Description = description, HelpName = "DIRECTORY", Required = true };

    private static Option<int> Days()
    {
        var days = new Option<int>("--days") { Description = "How long it is valid. 1 to 36500.", DefaultValueFactory = _ => TenYears };
        days.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 36500)
            {
                result.AddError("--days must be from 1 to 36500");
            }
        });
        return days;
    }

    private static int Report(ParseResult parsed, (string Certificate, string Key) made)
    {
        parsed.InvocationConfiguration.Output.WriteLine($"wrote {made.Certificate} and {made.Key}");
        return ExitCodes.Done;
    }
}
