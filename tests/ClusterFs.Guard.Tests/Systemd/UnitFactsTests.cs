using ClusterFs.Guard.Systemd;

namespace ClusterFs.Guard.Tests.Systemd;

public sealed class UnitFactsTests
{
    private const string Attached = """
        Type=simple
        ExecStartPre={ path=/usr/bin/true ; argv[]=/usr/bin/true ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
        ExecStartPre={ path=/usr/bin/clusterfs ; argv[]=/usr/bin/clusterfs admit --guard /run/clusterfs/guard.sock --unit wiki.service wiki ; ignore_errors=no }
        Id=wiki.service
        BindsTo=clusterfs-lease@wiki.service dev-sdb.device
        LoadState=loaded
        ActiveState=inactive
        UnitFileState=disabled
        """;

    [Fact]
    public void A_unit_that_is_bound_to_its_lease_may_be_started()
    {
        var facts = UnitFacts.Parse(Attached);
        Assert.Null(facts.WhyNotAttachable("wiki.service"));
        Assert.Null(facts.WhyNotBound("wiki.service", "wiki"));
        Assert.Equal((true, false, false), (facts.IsOver, facts.HasJob, facts.IsEnabled));
    }

    [Theory]
    [InlineData("Id=wiki.service", "Id=wiki-server.service", "wiki.service is another name of wiki-server.service")]
    [InlineData("Type=simple", "Type=oneshot", "without processes of its own")]
    [InlineData("LoadState=loaded", "LoadState=not-found", "systemd knows no wiki.service")]
    public void What_cannot_be_found_by_its_name_is_not_attached(string line, string other, string problem) => Assert.Contains(
        problem, UnitFacts.Parse(Attached.Replace(line, other, StringComparison.Ordinal)).WhyNotAttachable("wiki.service"), StringComparison.Ordinal);

    [Theory]
    [InlineData("clusterfs-lease@wiki.service", "clusterfs-lease@wiki2.service", "systemd does not know that wiki.service is bound")]
    [InlineData(" admit ", " status ", "another drop-in")]
    public void What_systemd_would_start_without_the_lease_is_not_started(string line, string other, string problem) => Assert.Contains(
        problem, UnitFacts.Parse(Attached.Replace(line, other, StringComparison.Ordinal)).WhyNotBound("wiki.service", "wiki"), StringComparison.Ordinal);

    [Theory]
    [InlineData("ActiveState=inactive", "ActiveState=deactivating")]
    [InlineData("ActiveState=inactive", "ActiveState=activating")]
    public void What_is_between_two_of_its_processes_is_not_over(string line, string other) =>
        Assert.False(UnitFacts.Parse(Attached.Replace(line, other, StringComparison.Ordinal)).IsOver);

    [Fact]
    public void A_start_that_waits_is_a_job() => Assert.True(UnitFacts.Parse(Attached + "\nJob=4711").HasJob);
}
