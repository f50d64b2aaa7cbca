using System.CommandLine;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace ClusterFs.Cli.Manual;

/// <summary>The man page of a command and all that is below it, from the descriptions that <c>--help</c> shows.</summary>
internal static class ManPage
{
    private const string Ending = """
        .SH EXIT STATUS
        0 done, 1 failed, 2 usage or configuration, 3 refused or not the owner, 4 daemon unreachable, 5 timed out.
        .SH FILES
        .TP
        .I /etc/clusterfs/node.conf
        This node's configuration; it includes the one that all nodes share. Examples, and the reference of every setting, are in
        .IR /usr/share/doc/clusterfs/examples .
        .TP
        .I /run/clusterfs
        The sockets of daemon and guard, for root and the group
        .IR clusterfs .
        .TP
        .I /var/lib/clusterfs
        What this node knows of votes and leases. Only ever deleted with the node.
        .SH SEE ALSO
        .BR systemctl (1),
        .IR clusterfs.service ,
        .IR clusterfs-guard.service ,
        .IR clusterfs-lease@.service ,
        .I /usr/share/doc/clusterfs/tutorial.md
        and
        .I troubleshooting.md
        there.

        """;

    public static string Of(RootCommand root)
    {
        var version = Assembly.GetExecutingAssembly().GetName().Version;
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $".TH CLUSTERFS 8 \"\" \"ClusterFs {version?.ToString(3)}\"\n");
        page.Append(CultureInfo.InvariantCulture, $".SH NAME\nclusterfs \\- {Escape(root.Description!.TrimEnd('.'))}\n");
        page.Append(".SH SYNOPSIS\n.B clusterfs\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.SH COMMANDS\n");
        foreach (var command in root.Subcommands)
        {
            Append(page, command, "clusterfs");
        }

        page.Append(".SH OPTIONS OF EVERY COMMAND\n");
        AppendOptions(page, root);
        return page.Append(Ending.ReplaceLineEndings("\n")).ToString();
    }

    private static void Append(StringBuilder page, Command command, string path)
    {
        if (command.Hidden)
        {
            return;
        }

        path = $"{path} {command.Name}";
        var arguments = string.Concat(command.Arguments.Where(argument => !argument.Hidden).Select(Usage));
        page.Append(CultureInfo.InvariantCulture, $".SS {Escape(path)}{Escape(arguments)}\n{Escape(command.Description)}\n");
        foreach (var argument in command.Arguments.Where(argument => !argument.Hidden && argument.Description is not null))
        {
            page.Append(CultureInfo.InvariantCulture, $".TP\n.I {Escape(argument.HelpName ?? argument.Name)}\n{Escape(argument.Description)}\n");
        }

        AppendOptions(page, command);
        foreach (var below in command.Subcommands)
        {
            Append(page, below, path);
        }
    }

    private static void AppendOptions(StringBuilder page, Command command)
    {
        foreach (var option in command.Options.Where(option => !option.Hidden))
        {
            var names = string.Join(", ", new[] { option.Name }.Concat(option.Aliases.Where(alias => alias[0] == '-')).Distinct().Select(name => $"\\fB{Escape(name)}\\fR"));
            var value = option.HelpName is { } help ? $" \\fI{Escape(help)}\\fR" : "";
            page.Append(CultureInfo.InvariantCulture, $".TP\n{names}{value}\n{Escape(option.Description)}\n");
        }
    }

    private static string Usage(Argument argument)
    {
        var name = argument.HelpName ?? argument.Name;
        name = argument.Arity.MaximumNumberOfValues > 1 ? $"{name}..." : name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $" [{name}]" : $" {name}";
    }

    /// <summary>No word is a request, nor a hyphen a dash.</summary>
    private static string Escape(string? text)
    {
        var escaped = (text ?? "").ReplaceLineEndings(" ").Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return escaped.StartsWith('.') || escaped.StartsWith('\'') ? $"\\&{escaped}" : escaped;
    }
}
