using System.Text;
using ClusterFs.Content.Seeded;
using CsCheck;

namespace ClusterFs.Content.Tests.Seeded;

public sealed class TemplateTests
{
    private static readonly Dictionary<string, string> Values = new(StringComparer.Ordinal)
    {
        ["HOSTNAME"] = "alpha", ["NODE"] = "n1", ["EMPTY"] = "", ["SIGN"] = "%NODE%",
    };

    [Theory]
    [InlineData("", "")]
    [InlineData("no names", "no names")]
    [InlineData("server_name %HOSTNAME%;\n", "server_name alpha;\n")]
    [InlineData("%NODE%%HOSTNAME%%EMPTY%", "n1alpha")]
    [InlineData("100%% of %NODE%, %%NODE%%", "100% of n1, %NODE%")]
    [InlineData("%SIGN%", "%NODE%")]
    public void Names_become_values_once(string template, string expected) => Assert.Equal(expected, Render(template));

    [Theory]
    [InlineData("a\nb\n%HOSTNAM%", "t.in:3: there is no value for %HOSTNAM%; did you mean 'HOSTNAME'? known are EMPTY, HOSTNAME, NODE, SIGN")]
    [InlineData("%hostname%", "t.in:1: there is no value for %hostname%; did you mean 'HOSTNAME'? known are EMPTY, HOSTNAME, NODE, SIGN")]
    [InlineData("%X% %ELSEWHERE%\n%X%", "t.in:1: there is no value for %X%; known are EMPTY, HOSTNAME, NODE, SIGN; 1 more names are unknown")]
    [InlineData("\n100% sure", "t.in:2: a percent sign begins no name; write %NAME% for a value, and %% for a percent sign")]
    [InlineData("%NODE", "t.in:1: a percent sign begins no name; write %NAME% for a value, and %% for a percent sign")]
    [InlineData("%%%", "t.in:1: a percent sign begins no name; write %NAME% for a value, and %% for a percent sign")]
    public void A_mistake_names_file_and_line(string template, string expected) =>
        Assert.Equal(expected, Assert.Throws<SeedException>(() => Render(template)).Message);

    [Fact]
    public void What_is_no_name_is_copied_byte_by_byte()
    {
        byte[] text = [0xFF, 0, (byte)'%', (byte)'%', 0xE4, (byte)'\r', (byte)'\n', 0x80];
        Assert.Equal([0xFF, 0, (byte)'%', 0xE4, (byte)'\r', (byte)'\n', 0x80], Template.Parse(text, "t.in").Render(Values));
    }

    [Fact]
    public void Any_text_survives_with_its_percent_signs_doubled() =>
        Gen.Byte.Array.Sample(bytes => Template.Parse(bytes.SelectMany(b => b == '%' ? [b, b] : new[] { b }).ToArray(), "t.in").Render(Values).SequenceEqual(bytes));

    private static string Render(string template) => Encoding.UTF8.GetString(Template.Parse(Encoding.UTF8.GetBytes(template), "t.in").Render(Values));
}
