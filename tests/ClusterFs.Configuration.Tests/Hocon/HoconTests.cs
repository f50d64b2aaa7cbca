using ClusterFs.Configuration.Hocon;

namespace ClusterFs.Configuration.Tests.Hocon;

public sealed class HoconTests
{
    [Theory]
    [InlineData("a = 1", "1")]
    [InlineData("a : 1", "1")]
    [InlineData("{ a = 1 }", "1")]
    [InlineData("\uFEFFa = 1\r\n", "1")]
    [InlineData("a = one two  three  # comment", "one two  three")]
    [InlineData("a = one // comment", "one")]
    [InlineData("a = one/two", "one/two")]
    [InlineData("a = \"one // # two\"", "one // # two")]
    [InlineData("a = \"x\\t\\\"\\u0041\"", "x\t\"A")]
    [InlineData("a = \"\"", "")]
    [InlineData("a = \"\"\"one\n\"two\\n\"\"\"\"", "one\n\"two\\n\"")]
    [InlineData("a = \"x\" y", "x y")]
    [InlineData("a = 1\na = 2", "2")]
    [InlineData("a =\n  1", "1")]
    [InlineData("b = 2, a = ${b}s", "2s")]
    [InlineData("a = ${b.c}\nb { c = 3 }", "3")]
    [InlineData("a = 1\na = ${?nothing}", "1")]
    [InlineData("a = ${HOME_DIR}/x", "/home/x")]
    [InlineData("a = ${?nothing}x", "x")]
    [InlineData("include = 1, a = ${include}", "1")]
    public void A_value_is_read(string text, string expected) =>
        Assert.Equal(expected, Assert.IsType<HoconText>(Read(text).Find("a")!.Value).Text);

    [Theory]
    [InlineData("a { b { c = 1 } }", "a.b.c=1")]
    [InlineData("a.b.c = 1", "a.b.c=1")]
    [InlineData("a.\"b.c\" = 1", "a.b.c=1")]
    [InlineData("a { x = 1 }\na.y = 2", "a.x=1 a.y=2")]
    [InlineData("a { x = 1, y = 1 }, a { y = 2 }", "a.x=1 a.y=2")]
    [InlineData("a { x = 1 }, a = 5, a { y = 2 }", "a.y=2")]
    [InlineData("b { x = 1 }, a = ${b} { y = 2 }", "b.x=1 a.x=1 a.y=2")]
    [InlineData("b { x = 1 }, a = ${b}, a.y = 2", "b.x=1 a.x=1 a.y=2")]
    [InlineData("a { b = 1, c = ${a.b} }", "a.b=1 a.c=1")]
    [InlineData("a = [1, 2,\n 3\n 4,]", "a=[1 2 3 4]")]
    [InlineData("b = [1], a = ${b} [2]", "b=[1] a=[1 2]")]
    [InlineData("a = [{ x = 1 }, [2]]", "a=[(x=1) [2]]")]
    public void Objects_and_arrays_are_read(string text, string expected) => Assert.Equal(expected, Show(Read(text), ""));

    [Theory]
    [InlineData("a = ${b}, b = ${a}")]
    [InlineData("a = ${a}x")]
    [InlineData("a { b = ${a} }")]
    [InlineData("a = ${a.b.c}")]
    public void A_circle_of_references_is_a_mistake(string text)
    {
        var errors = new List<ConfigurationError>();
        Read(text, errors);
        Assert.Contains(errors, error => error.Problem == "this value is made of itself");
    }

    [Theory]
    [InlineData("a = 1 { b = 2 }")]
    [InlineData("a = [1] x")]
    public void Values_of_different_kinds_are_not_joined(string text)
    {
        var errors = new List<ConfigurationError>();
        Read(text, errors);
        Assert.Single(errors);
    }

    [Fact]
    public void Every_value_knows_its_line()
    {
        var root = Read("# one\na = \"\"\"\n\n\"\"\"\n\nb { c = 1,\n  d = 2 }");
        Assert.Equal(2, root.Find("a")!.SetAt[0].Line);
        Assert.Equal(7, ((HoconObject)root.Find("b")!.Value).Find("d")!.SetAt[0].Line);
    }

    [Fact]
    public void References_cannot_blow_a_file_up()
    {
        var text = string.Join('\n', Enumerable.Range(1, 64).Select(i => $"a{i} = ${{a{i - 1}}}${{a{i - 1}}}")) + "\na0 = 0123456789";
        var errors = new List<ConfigurationError>();
        Read(text, errors);
        Assert.NotEmpty(errors);
    }

    internal static HoconObject Read(string text, List<ConfigurationError>? errors = null)
    {
        var problems = errors ?? [];
        var root = HoconParser.Parse(text, "test.conf", (_, _) => null);
        var resolved = new HoconResolver(root, name => name == "HOME_DIR" ? "/home" : null, problems).Resolve();
        if (errors is null)
        {
            Assert.Empty(problems);
        }

        return resolved;
    }

    private static string Show(HoconNode node, string prefix) => node switch
    {
        HoconObject fields => string.Join(' ', fields.Fields.Select(field => field.Value.Value is HoconObject
            ? Show(field.Value.Value, $"{prefix}{field.Key}.")
            : $"{prefix}{field.Key}={Show(field.Value.Value, "")}")),
        HoconArray array => $"[{string.Join(' ', array.Items.Select(item => item is HoconObject ? $"({Show(item, "")})" : Show(item, "")))}]",
        HoconText text => text.Text,
        _ => "?",
    };
}
