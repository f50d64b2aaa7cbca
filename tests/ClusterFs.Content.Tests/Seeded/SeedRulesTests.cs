using System.Collections.Immutable;
using ClusterFs.Content.Placing;
using ClusterFs.Content.Seeded;

namespace ClusterFs.Content.Tests.Seeded;

public sealed class SeedRulesTests
{
    private static readonly PlacedAttributes Any = new(null, null, null);
    private static readonly FoundFile Old = new("old", 0x1A4, 0, 0);

    [Fact]
    public void A_file_that_is_not_there_is_rendered()
    {
        Assert.Equal(new SeedDecision.Place("it was never rendered here", null), SeedRules.Decide(null, Of("new"), Any, null, asked: false));
        Assert.Equal(new SeedDecision.Place("it was gone", null), SeedRules.Decide(From("old"), Of("old"), Any, null, asked: false));
    }

    [Fact]
    public void What_was_there_before_is_kept() => Assert.Equal(
        new SeedDecision.Place("it was never rendered here", "it was there before the first rendering"),
        SeedRules.Decide(null, Of("new"), Any, Old, asked: false));

    [Fact]
    public void What_is_as_it_should_be_is_left_alone()
    {
        Assert.Equal(new SeedDecision.Current(IsNews: false), SeedRules.Decide(From("old"), Of("old"), Any, Old, asked: false));
        Assert.Equal(new SeedDecision.Current(IsNews: false), SeedRules.Decide(From("old"), Of("old"), Any, Old, asked: true));
        Assert.Equal(new SeedDecision.Current(IsNews: true), SeedRules.Decide(null, Of("old"), Any, Old, asked: false));
    }

    [Fact]
    public void A_template_that_changed_and_renders_the_same_is_only_remembered() => Assert.Equal(
        new SeedDecision.Current(IsNews: true), SeedRules.Decide(From("old"), Of("old", template: "t2"), Any, Old, asked: false));

    [Fact]
    public void The_reason_says_what_changed()
    {
        Assert.Equal(Because("the template changed"), SeedRules.Decide(From("old"), Of("new", template: "t2"), Any, Old, asked: false));
        Assert.Equal(Because("%NAME% changed"), SeedRules.Decide(From("old"), Of("new", value: "v2"), Any, Old, asked: false));
        Assert.Equal(
            Because("the template changed; %NAME% changed"), SeedRules.Decide(From("old"), Of("new", "t2", "v2"), Any, Old, asked: false));
        Assert.Equal(
            Because("its template is now other.in, and was t.in"),
            SeedRules.Decide(From("old"), Of("new", "t2") with { Template = "other.in" }, Any, Old, asked: false));
        Assert.Equal(
            Because("owner or mode in the configuration changed"),
            SeedRules.Decide(From("old"), Of("old"), Any with { Mode = 0x180 }, Old, asked: false));

        static SeedDecision Because(string reason) => new SeedDecision.Place(reason, null);
    }

    [Fact]
    public void A_local_edit_stays_until_somebody_asks_or_the_template_changes()
    {
        var edited = Old with { Digest = "mine" };
        Assert.Equal(
            new SeedDecision.LeaveEdited("it was changed on this node since it was rendered"),
            SeedRules.Decide(From("old"), Of("old"), Any, edited, asked: false));
        Assert.Equal(
            new SeedDecision.Place("it was changed on this node since it was rendered", "it was changed on this node"),
            SeedRules.Decide(From("old"), Of("old"), Any, edited, asked: true));
        Assert.Equal(
            new SeedDecision.Place("the template changed", "it was changed on this node"),
            SeedRules.Decide(From("old"), Of("new", "t2"), Any, edited, asked: false));
    }

    [Fact]
    public void A_local_edit_that_made_it_what_the_new_template_says_is_current() => Assert.Equal(
        new SeedDecision.Current(IsNews: true), SeedRules.Decide(From("old"), Of("new", "t2"), Any, Old with { Digest = "new" }, asked: false));

    [Fact]
    public void A_mode_that_was_asked_for_and_changed_on_the_node_is_an_edit()
    {
        var asked = Any with { Mode = 0x1A4 };
        var changed = Old with { Mode = 0x1B6 };
        Assert.Equal(
            new SeedDecision.LeaveEdited("its owner or mode was changed on this node since it was rendered"),
            SeedRules.Decide(From("old") with { Attributes = asked }, Of("old"), asked, changed, asked: false));
        Assert.Equal(new SeedDecision.Current(IsNews: false), SeedRules.Decide(From("old"), Of("old"), Any, changed, asked: false));
    }

    [Fact]
    public void Another_mode_in_the_configuration_is_no_reason_to_overwrite_an_edit_that_has_it() => Assert.IsType<SeedDecision.LeaveEdited>(
        SeedRules.Decide(From("old"), Of("old"), Any with { Mode = 0x180 }, new FoundFile("mine", 0x180, 0, 0), asked: false));

    private static Rendering Of(string digest, string template = "t1", string value = "v1") =>
        new(default, digest, "t.in", template, Named(value));

    private static SeedOrigin From(string digest) => new("t.in", "t1", Named("v1"), digest, Any, default, "");

    private static ImmutableSortedDictionary<string, string> Named(string value) =>
        ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("NAME", value)]);
}
