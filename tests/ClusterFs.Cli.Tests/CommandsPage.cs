using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ClusterFs.Cli.Tests;

/// <summary>docs/commands.md, made from what <c>--help</c> says.</summary>
internal static partial class CommandsPage
{
    private const string Opening = """
        # Every command

        Made from what `clusterfs --help` says by `./build.sh docs`; a test compares them. The same is in `man clusterfs`. Exit codes: 0 done, 1 failed, 2 usage or
        configuration, 3 refused or not the owner, 4 daemon unreachable, 5 timed out.


        """;

    public static string Of(RootCommand root)
    {
        var page = new StringBuilder(Opening.ReplaceLineEndings("\n"));
        page.Append("Options of all of them:\n\n");
        AppendOptions(page, root);
        foreach (var command in root.Subcommands)
        {
            Append(page, command, "clusterfs", 2);
        }

        return page.ToString().TrimEnd('\n') + "\n";
    }

    private static void Append(StringBuilder page, Command command, string path, int depth)
    {
        if (command.Hidden)
        {
            return;
        }

        path = $"{path} {command.Name}";
        var arguments = command.Arguments.Where(argument => !argument.Hidden).ToList();
        page.Append('#', depth).Append(CultureInfo.InvariantCulture, $" `{path}{string.Concat(arguments.Select(Usage))}`\n\n{Escape(command.Description)}\n\n");
        var described = arguments.Where(argument => argument.Description is not null).ToList();
        foreach (var argument in described)
        {
            page.Append(CultureInfo.InvariantCulture, $"- `{argument.HelpName ?? argument.Name}`: {Escape(argument.Description)}\n");
        }

        AppendOptions(page, command);
        if (described.Count > 0 && !command.Options.Any(option => !option.Hidden))
        {
            page.Append('\n');
        }

        foreach (var below in command.Subcommands)
        {
            Append(page, below, path, depth + 1);
        }
    }

    private static void AppendOptions(StringBuilder page, Command command)
    {
        var options = command.Options.Where(option => !option.Hidden).ToList();
        foreach (var option in options)
        {
            var names = string.Join("`, `", new[] { option.Name }.Concat(option.Aliases.Where(alias => alias[0] == '-')).Distinct());
            var value = option.HelpName is { } help ? $" {help}" : "";
            page.Append(CultureInfo.InvariantCulture, $"- `{names}{value}`{(option.Required ? " (required)" : "")}: {Escape(option.Description)}\n");
        }

        if (options.Count > 0)
        {
            page.Append('\n');
        }
    }

    private static string Usage(Argument argument)
    {
        var name = argument.HelpName ?? argument.Name;
        name = argument.Arity.MaximumNumberOfValues > 1 ? $"{name}..." : name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $" [{name}]" : $" {name}";
    }

    private static string Escape(string? text) => string.Join(
        '`', (text ?? "").ReplaceLineEndings(" ").Split('`').Select((part, i) => i % 2 == 0 ? Special().Replace(part, @"\$0") : part));

    [GeneratedRegex(@"[*<>\[\]]")]
    private static partial Regex Special();
}
