using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Node.Page;
using Microsoft.AspNetCore.Http;

namespace ClusterFs.Node.Tests.Page;

/// <summary>What whoever reaches the port is told, and by which names.</summary>
public sealed class PageStatusTests
{
    private const string Secret = "postgres://wiki:secret@db/wiki";

    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void What_commands_and_the_database_said_is_told_to_who_has_the_token_alone()
    {
        var service = new ServiceStatus(
            "wiki", ServiceState.Vacant, null, 7, null, null, null, [new StandbyStatus("n2", 0, null, null) { Problem = Secret }], 0, false, Secret, null,
            new DumpHealth(false, Secret, At, "sqlite", Secret) { Warning = Secret })
        {
            Rehearsals = [new RehearsalStatus("n2", 0, null, null, true) { Problem = Secret }],
            Logs = [new LogsStatus(Secret, "spool", At, 1) { Problem = Secret }],
        };
        var report = new StatusReport(
            "n1", new ClusterStatus(true, [new MemberStatus("n1", Secret, "up", true)], ["n1"]) { Journal = new JournalStatus(false, At, Secret) },
            new SelfStatus(false, Secret, Secret, false), [service]);

        var untold = JsonSerializer.Serialize(PageStatus.Of(report, told: false));
        Assert.DoesNotContain("secret", untold, StringComparison.Ordinal);
        Assert.Contains("clusterfs status", untold, StringComparison.Ordinal);

        var told = PageStatus.Of(report, told: true);
        Assert.Equal((Secret, Secret, Secret), (told.Cluster.Journal!.Problem, told.Services[0].Reason, told.Services[0].Dump!.Error));
    }

    [Theory]
    [InlineData("power-fenced", "the fence command for n1 failed: secret", "the fence command for n1 failed: see 'clusterfs history'")]
    [InlineData("fencing", "fencing for epoch 7: the owner is gone", "fencing for epoch 7: the owner is gone")]
    public void So_are_the_words_of_commands_in_what_happened(string kind, string text, string shown) =>
        Assert.Equal(shown, new PageEvent("wiki", At, kind, "n1", text).WithoutWords().Text);

    [Theory]
    [InlineData("10.0.0.1", true)]
    [InlineData("[::1]", true)]
    [InlineData("localhost", true)]
    [InlineData("n1", true)]
    [InlineData("N2", true)]
    [InlineData("n1.evil.example", false)]
    [InlineData("evil.example", false)]
    [InlineData("", false)]
    public void A_name_that_others_may_have_lead_here_is_not_answered(string host, bool isOurs)
    {
        var cluster = new ClusterSettings(
            "test", 1, 2, 3, System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("n1", "10.0.0.1").Add("n2", "10.0.0.2"), ["n1"]);
        Assert.Equal(isOurs, PageHost.IsOurs(host, cluster));
    }

    [Theory]
    [InlineData("/", true)]
    [InlineData("/page/state", true)]
    [InlineData("/metrics", false)]
    [InlineData("/owner/page", false)]
    public void Only_the_page_asks_for_its_names(string path, bool isPage) => Assert.Equal(isPage, PageHost.IsPage(new PathString(path)));
}
