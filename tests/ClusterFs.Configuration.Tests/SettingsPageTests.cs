namespace ClusterFs.Configuration.Tests;

public sealed class SettingsPageTests
{
    private static readonly string Reference = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "clusterfs.conf"));

    [Fact]
    public void The_page_of_every_setting_is_the_reference() => WrittenPage.IsUpToDate("configuration.md", SettingsPage.Of(Reference));

    [Fact]
    public void No_comment_of_the_reference_is_left_out()
    {
        var page = Words(SettingsPage.Of(Reference));
        Assert.All(
            Reference.Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith("# ", StringComparison.Ordinal)),
            line => Assert.Contains(Words(line[2..]), page, StringComparison.Ordinal));
    }

    [Fact]
    public void A_setting_without_a_comment_shares_the_one_before_it()
    {
        const string Text = "# About all.\n\nclusterfs {\n\n  # A part.\n  part {\n\n    # Ports. Default: 1\n    port = 1\n    other-port = 2\n\n    # How.\n    #   one  this way\n    #        and that\n    #   two  not\n    how = one\n  }\n}\n";
        var page = SettingsPage.Of(Text);
        Assert.EndsWith(
            "About all.\n\n## `clusterfs.part`\n\nA part.\n\n```\nport = 1\nother-port = 2\n```\n\nPorts. Default: 1\n\n"
            + "```\nhow = one\n```\n\nHow.\n\n- `one`: this way\n  and that\n- `two`: not\n",
            page,
            StringComparison.Ordinal);
    }

    private static string Words(string text) => string.Concat(text.Where(char.IsLetterOrDigit));
}
