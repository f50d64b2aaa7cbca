using ClusterFs.Configuration.Binding;
using ClusterFs.Configuration.Hocon;

namespace ClusterFs.Configuration.Tests;

/// <summary>The files under hocon/ are what users copy: they must load, and the reference must be complete.</summary>
public sealed class ReferenceTests
{
    private static readonly LoadOptions NoEnvironment = new() { Environment = _ => null };

    [Theory]
    [InlineData("clusterfs.conf")]
    [InlineData("node.conf.sample")]
    public void A_file_that_users_start_from_loads_without_a_warning(string name) =>
        Assert.Empty(ConfigurationLoader.Load(PathOf(name), NoEnvironment).Warnings);

    [Fact]
    public void The_reference_has_every_key_and_no_other()
    {
        var root = HoconParser.Parse(File.ReadAllText(PathOf("clusterfs.conf")), "clusterfs.conf", (_, _) => null);
        var context = new BindingContext([], []);
        SettingsBinder.Bind(root, new HashSet<string>(), context, NoEnvironment);
        Assert.NotEmpty(context.KnownKeys);
        Assert.Equal(context.KnownKeys, Written(root, "").ToHashSet().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_reference_shows_the_defaults()
    {
        using var files = new ConfigurationFiles();
        var defaults = files.LoadGoodAnd("");
        var reference = ConfigurationLoader.Load(PathOf("clusterfs.conf"), NoEnvironment).Settings;
        Assert.Equal(defaults.Node.Socket, reference.Node.Socket);
        Assert.Equal(NodeBinder.DefaultStateDirectory, reference.Node.StateDirectory);
        Assert.Equal(
            (defaults.Cluster.Name, defaults.Cluster.Port, defaults.Cluster.GuardPort, defaults.Cluster.HttpPort),
            (reference.Cluster.Name, reference.Cluster.Port, reference.Cluster.GuardPort, reference.Cluster.HttpPort));
        Assert.Equal(defaults.Lease, reference.Lease);
        Assert.Null(defaults.Telemetry.OtlpEndpoint);
        var fence = files.LoadGoodAnd("clusterfs.fence.command = /bin/true").Fence!;
        Assert.Equal((fence.Action, fence.Timeout), (reference.Fence!.Action, reference.Fence.Timeout));
        var (one, other) = (defaults.Services["wiki"], reference.Services["wiki"]);
        Assert.Equal((one.Failover, one.OnLost), (other.Failover, other.OnLost));
        var hooks = files.LoadGoodAnd("clusterfs.services.wiki.live { capture = hooks, quiesce = a, resume = b }").Services["wiki"].Live.Hooks!;
        var documented = reference.Services["queue"].Live.Hooks!;
        Assert.Equal((hooks.Timeout, hooks.Limit), (documented.Timeout, documented.Limit));
        Assert.Equal(
            files.LoadGoodAnd("clusterfs.services.wiki.live { capture = command, command = a }").Services["wiki"].Live.Command!.Timeout,
            reference.Services["ledger"].Live.Command!.Timeout);
        Assert.Equal((one.Live.Capture, one.Live.DumpEvery, one.StopTimeout), (other.Live.Capture, other.Live.DumpEvery, other.StopTimeout));
        Assert.Equal((StandbyKind.Warm, StandbyKind.Warm), (one.Live.Standby, other.Live.Standby));
        Assert.Equal((BlockKeeping.Auto, BlockKeeping.Auto), (one.Live.KeepBlocks, other.Live.KeepBlocks));
        var seeded = Assert.Single(
            files.LoadGoodAnd("clusterfs.services.wiki.seeded.\"/etc/x\" { template = a, check = b, reload = c }").Services["wiki"].Seeded);
        var described = Assert.Single(other.Seeded);
        Assert.Equal((seeded.CheckTimeout, seeded.ReloadTimeout), (described.CheckTimeout, described.ReloadTimeout));
        Assert.Equal(defaults.Seeded.PollEvery, reference.Seeded.PollEvery);
        var config = Assert.Single(files.LoadGoodAnd(
            "clusterfs.services.wiki.config.x { source = a, include-in = /etc/x, check = b, reload = c, healthy = d }").Services["wiki"].Config);
        var shown = other.Config.Single(file => file.Name == "nginx");
        Assert.Equal((config.Include, config.Comment), (shown.Include, shown.Comment));
        Assert.Equal((config.CheckTimeout, config.ReloadTimeout, config.HealthyWithin), (shown.CheckTimeout, shown.ReloadTimeout, shown.HealthyWithin));
        Assert.Equal(defaults.ConfigPollEvery, reference.ConfigPollEvery);
        Assert.Equal(defaults.Static, reference.Static);
        var content = Assert.Single(files.LoadGoodAnd("clusterfs.services.wiki.static.www.path = /var/www/x").Services["wiki"].Static);
        var published = Assert.Single(other.Static);
        Assert.Equal((CacheKind.None, content.Keep), (content.Cache, published.Keep));
        Assert.Equal(RehearsalSettings.Default, one.Live.Rehearsal);
        Assert.Equal(RehearsalSettings.Default, other.Live.Rehearsal with { Check = null });
    }

    private static IEnumerable<string> Written(HoconObject section, string prefix)
    {
        foreach (var (name, field) in section.Fields)
        {
            // Under these, users choose the names.
            var isFree = prefix is "clusterfs.services." or "clusterfs.services.*.seeded." or "clusterfs.services.*.config." or "clusterfs.services.*.static." or "clusterfs.cluster.nodes."
                or "clusterfs.fence.nodes." or "clusterfs.fence.nodes.*."
                or "clusterfs.seeded.variables." or "clusterfs.seeded.nodes." or "clusterfs.seeded.nodes.*.";
            var key = prefix + (isFree ? "*" : name);
            if (field.Value is HoconObject inner)
            {
                foreach (var innerKey in Written(inner, key + "."))
                {
                    yield return innerKey;
                }
            }
            else
            {
                yield return key;
            }
        }
    }

    private static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "hocon", name);
}
