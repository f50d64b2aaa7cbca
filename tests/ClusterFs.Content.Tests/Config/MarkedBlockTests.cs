using System.Text;
using ClusterFs.Configuration;
using ClusterFs.Content.Config;

namespace ClusterFs.Content.Tests.Config;

public sealed class MarkedBlockTests
{
    private static readonly ConfigSettings Plain = new("nginx", "wiki.conf", ConfigKind.Include, "/etc/nginx/nginx.conf");

    [Theory]
    [InlineData("")]
    [InlineData("a\n")]
    [InlineData("a\nb")]
    [InlineData("a\r\nb\r\n")]
    [InlineData("a\r\nb")]
    [InlineData("\n")]
    [InlineData("\u00e4\n\n\n")]
    public void What_it_is_put_into_stays_byte_by_byte_and_comes_back(string before)
    {
        var block = new MarkedBlock(Plain, "wiki/nginx", "/copy/wiki.conf");
        var with = block.PutInto(Bytes(before));
        Assert.StartsWith(before, Text(with), StringComparison.Ordinal);
        Assert.Contains("include /copy/wiki.conf;", Text(with), StringComparison.Ordinal);
        Assert.Null(block.DriftIn(with));
        Assert.Equal(with, block.PutInto(with));
        Assert.Equal(before, Text(block.TakeFrom(with)));
    }

    [Theory]
    [InlineData("http {\n}\n", "http {\nBLOCK\n}\n")]
    [InlineData("x\n  http {  \r\n}\n", "x\n  http {  \r\nBLOCK\n}\n")]
    [InlineData("http {", "http {\nBLOCK")]
    public void It_comes_after_the_line_that_is_named(string before, string expected)
    {
        var block = new MarkedBlock(Plain with { After = "http {" }, "wiki/nginx", "/p");
        var with = block.PutInto(Bytes(before));
        var lines = "# BEGIN clusterfs wiki/nginx (kept by ClusterFs; edit the source on shared storage instead)\ninclude /p;\n# END clusterfs wiki/nginx";
        Assert.Equal(expected.Replace("BLOCK", lines, StringComparison.Ordinal), Text(with));
        Assert.Equal(before, Text(block.TakeFrom(with)));
    }

    [Theory]
    [InlineData("a\n", "no line")]
    [InlineData("http {\nhttp {\n", "2 lines")]
    public void Without_its_place_nothing_is_written(string file, string words)
    {
        var block = new MarkedBlock(Plain with { After = "http {" }, "wiki/nginx", "/p");
        Assert.Contains(words, Assert.Throws<ConfigException>(() => block.PutInto(Bytes(file))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("# BEGIN clusterfs wiki/nginx\nx\n")]
    [InlineData("x\n# END clusterfs wiki/nginx\n")]
    [InlineData("# END clusterfs wiki/nginx\n# BEGIN clusterfs wiki/nginx\n")]
    [InlineData("# BEGIN clusterfs wiki/nginx\n# BEGIN clusterfs wiki/nginx\n# END clusterfs wiki/nginx\n")]
    public void A_damaged_block_is_an_error(string file)
    {
        var block = new MarkedBlock(Plain, "wiki/nginx", "/p");
        Assert.Contains("is damaged", Assert.Throws<ConfigException>(() => block.PutInto(Bytes(file))).Message, StringComparison.Ordinal);
        Assert.Throws<ConfigException>(() => block.TakeFrom(Bytes(file)));
        Assert.Contains("is damaged", block.DriftIn(Bytes(file)), StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_of_other_names_are_not_its_own()
    {
        var file = new MarkedBlock(Plain, "wiki/nginx-2", "/other").PutInto(Bytes("x\n"));
        var block = new MarkedBlock(Plain, "wiki/nginx", "/p");
        var both = block.PutInto(file);
        Assert.Contains("include /other;", Text(both), StringComparison.Ordinal);
        Assert.Equal(Text(file), Text(block.TakeFrom(both)));
    }

    [Fact]
    public void Comments_and_includes_have_any_form()
    {
        var block = new MarkedBlock(Plain with { Comment = "<!-- %TEXT% -->", Include = "<include file=\"%PATH%\"/>" }, "wiki/nginx", "/p");
        Assert.EndsWith("<include file=\"/p\"/>\n<!-- END clusterfs wiki/nginx -->\n", Text(block.PutInto(Bytes("<a/>\n"))), StringComparison.Ordinal);
    }

    [Fact]
    public void An_edited_block_and_a_missing_one_are_told_apart()
    {
        var block = new MarkedBlock(Plain, "wiki/nginx", "/p");
        var with = Text(block.PutInto(Bytes("x\n")));
        Assert.Contains("was edited", block.DriftIn(Bytes(with.Replace("include /p;", "#include /p;", StringComparison.Ordinal))), StringComparison.Ordinal);
        Assert.Contains("is missing", block.DriftIn(Bytes("x\n")), StringComparison.Ordinal);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}
