using ClusterFs.Cli.Commands;
using ClusterFs.Guard.Protocol;

namespace ClusterFs.Cli.Tests;

public sealed class AdmitCommandTests
{
    private static ServiceReport Held => new()
    {
        Service = "wiki", Unit = "wiki.service", AttachedMode = AttachMode.Hold, Phase = Phase.Running, LeaseRemainingMs = 1,
    };

    [Fact]
    public void A_unit_starts_under_a_lease_that_is_held_by_a_guard_that_finds_it() =>
        Assert.Null(AdmitCommand.WhyNot(Held, "wiki.service", unit => unit == "wiki.service"));

    [Fact]
    public void A_unit_that_the_guard_would_not_stop_does_not_start()
    {
        Assert.Contains("would stop no unit", AdmitCommand.WhyNot(new ServiceReport(Held) { Unit = "" }, "wiki.service", _ => true), StringComparison.Ordinal);
        Assert.Contains("would stop old.service", AdmitCommand.WhyNot(new ServiceReport(Held) { Unit = "old.service" }, "wiki.service", _ => true), StringComparison.Ordinal);
        Assert.Contains("knows no such service", AdmitCommand.WhyNot(null, "wiki.service", _ => true), StringComparison.Ordinal);
    }

    [Fact]
    public void A_unit_that_the_guard_would_not_find_does_not_start() =>
        Assert.Contains("not found by the name", AdmitCommand.WhyNot(Held, "wiki.service", _ => false), StringComparison.Ordinal);

    [Fact]
    public void Without_a_lease_nothing_starts()
    {
        foreach (var report in new[]
        {
            new ServiceReport(Held) { LeaseRemainingMs = 0 },
            new ServiceReport(Held) { Phase = Phase.Held },
            new ServiceReport(Held) { Phase = Phase.Stopping },
            new ServiceReport(Held) { AttachedMode = AttachMode.Unspecified },
        })
        {
            Assert.Contains("does not hold its lease", AdmitCommand.WhyNot(report, "wiki.service", _ => true), StringComparison.Ordinal);
        }
    }
}
