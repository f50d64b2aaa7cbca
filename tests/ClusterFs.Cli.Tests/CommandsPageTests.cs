using ClusterFs.Configuration.Tests;

namespace ClusterFs.Cli.Tests;

public sealed class CommandsPageTests
{
    [Fact]
    public void The_page_of_every_command_is_what_help_says() => WrittenPage.IsUpToDate("commands.md", CommandsPage.Of(CommandLine.Build()));
}
