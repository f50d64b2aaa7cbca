using ClusterFs.Content.Logs.Links;

namespace ClusterFs.Content.Tests.Logs.Links;

public sealed class LinkRulesTests
{
    [Theory]
    [InlineData("Absent", true, "Make")]
    [InlineData("Absent", false, "Make")]
    [InlineData("Directory", true, "Exchange")]
    [InlineData("Directory", false, "Exchange")]
    [InlineData("Shared", true, "Keep")]
    [InlineData("Shared", false, "Turn")]
    [InlineData("Spool", true, "Turn")]
    [InlineData("Spool", false, "Keep")]
    [InlineData("Foreign", true, "Refuse")]
    [InlineData("Other", false, "Refuse")]
    public void What_is_found_says_what_is_done(string found, bool toShared, string step) =>
        Assert.Equal(step, LinkRules.Decide(Enum.Parse<LinkKind>(found), toShared).ToString());
}
