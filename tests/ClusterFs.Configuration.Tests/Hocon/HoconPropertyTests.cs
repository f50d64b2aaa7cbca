using CsCheck;

namespace ClusterFs.Configuration.Tests.Hocon;

public sealed class HoconPropertyTests
{
    /// <summary>Pieces of the language in any order get further into the reader than letters would.</summary>
    private static readonly string[] Pieces =
    [
        "{", "}", "[", "]", "=", ":", ",", ".", "\n", "\r\n", " ", "\t", "#", "//", "\"", "\"\"\"", "\\", "\\u12", "$", "${", "${?", "+=", "include ",
        "\"a\"", "a", "b", "c", "clusterfs", "lease", "ttl", "services", "cluster", "nodes", "null", "5s", "-1", "1e99", "\0", "é", "\uD800",
    ];

    private static readonly Gen<string> Texts =
        Gen.Int[0, Pieces.Length - 1].Array[0, 60].Select(chosen => string.Concat(chosen.Select(i => Pieces[i])));

    [Fact]
    public void Nothing_but_a_ConfigurationException_comes_of_any_text()
    {
        using var files = new ConfigurationFiles();
        Gen.OneOf(Texts, Gen.String, Texts.Select(text => ConfigurationFiles.Good + text)).Sample(
            text =>
            {
                try
                {
                    files.Load(text);
                }
                catch (ConfigurationException e)
                {
                    Assert.NotEmpty(e.Errors);
                    Assert.DoesNotContain(e.Errors, error => error.ToString().Contains('\n', StringComparison.Ordinal));
                }
            },
            iter: 5_000,
            threads: 1);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a:")]
    [InlineData("a=[")]
    [InlineData("a{")]
    [InlineData("a.")]
    [InlineData("a=${a")]
    public void Depth_ends_no_process(string piece)
    {
        using var files = new ConfigurationFiles();
        Assert.NotEmpty(files.Mistakes(string.Concat(Enumerable.Repeat(piece, 100_000)) + "a"));
    }

    [Fact]
    public void A_long_chain_of_references_ends_no_process()
    {
        using var files = new ConfigurationFiles();
        Assert.NotEmpty(files.Mistakes(string.Join('\n', Enumerable.Range(1, 10_000).Select(i => $"a{i} = ${{a{i + 1}}}"))));
        Assert.NotEmpty(files.Mistakes(string.Join('\n', Enumerable.Range(1, 10_000).Select(i => $"a = ${{?b{i}}}"))));
    }

    [Fact]
    public void Any_text_survives_quoting() => Gen.String[Gen.Char[' ', '\u00ff'], 0, 40].Sample(text =>
    {
        var quoted = string.Concat(text.Select(c => $"\\u{(int)c:x4}"));
        var read = (ClusterFs.Configuration.Hocon.HoconText)HoconTests.Read($"a = \"{quoted}\"").Find("a")!.Value;
        return read.Text == text;
    });
}
