using System.Collections.Immutable;
using System.Net;
using ClusterFs.Cli.Doctor;
using ClusterFs.Configuration;
using ClusterFs.Guard.Systemd;
using ClusterFs.Posix;
using ClusterFs.Posix.Network;

namespace ClusterFs.Cli.Tests.Doctor;

/// <summary>What doctor makes of what it saw.</summary>
public sealed class JudgementTests
{
    private const string Shared = "/srv/shared";
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("nfs4", Shared, "rw,hard,vers=4.2", true, false, Severity.Ok, "listings may be 60 s old")]
    [InlineData("nfs4", Shared, "rw,hard,acregmax=3,acdirmax=7", true, false, Severity.Ok, "listings may be 7 s old")]
    [InlineData("nfs4", Shared, "rw,noac", true, false, Severity.Ok, "not cached")]
    [InlineData("ceph", Shared, "rw", true, false, Severity.Ok, "")]
    [InlineData("nfs4", Shared, "rw,soft", true, false, Severity.Warning, "mounted soft")]
    [InlineData("nfs4", Shared, "rw", false, false, Severity.Failure, "no directory clusterfs")]
    [InlineData("ext4", "/", "rw", true, false, Severity.Failure, "shared.path is not a mount")]
    [InlineData("xfs", Shared, "rw", true, false, Severity.Failure, "shared.path is not a mount")]
    [InlineData("ext4", "/", "rw", true, true, Severity.Ok, "all nodes are on this machine")]
    internal void A_mount(string type, string at, string options, bool isPrepared, bool oneMachine, Severity severity, string said) =>
        Says(MountCheck.Judge(new SharedSeen(Shared, new Mount(at, type, "what", [.. options.Split(',')]), isPrepared, oneMachine)), severity, said);

    [Theory]
    [InlineData(0.00002, "tsc", Severity.Ok, "0.002 % faster")]
    [InlineData(-0.0004, "kvm-clock", Severity.Ok, "0.04 % slower")]
    [InlineData(0.004, "tsc", Severity.Warning, "0.4 % faster")]
    [InlineData(-0.02, "tsc", Severity.Failure, "2 % slower")]
    [InlineData(0, "jiffies", Severity.Warning, "jiffies")]
    internal void A_clock(double error, string source, Severity severity, string said) =>
        Says(ClockCheck.Judge(new ClockSeen(error, 0.00001, source)), severity, said);

    [Fact]
    public void A_clock_that_was_read_with_an_interruption_is_not_blamed() =>
        Says(ClockCheck.Judge(new ClockSeen(0.012, 0.0118, "tsc")), Severity.Ok, "1.2 % faster");

    [Theory]
    [InlineData(100L << 30, 50L << 30, 1000, 500, Severity.Ok, "50 GiB of 100 GiB free")]
    [InlineData(20L << 40, 1L << 40, 0, 0, Severity.Ok, "1 TiB of 20 TiB free")]
    [InlineData(100L << 30, 9L << 30, 0, 0, Severity.Warning, "9 GiB of 100 GiB free")]
    [InlineData(1L << 30, 500L << 20, 0, 0, Severity.Warning, "500 MiB of 1 GiB free")]
    [InlineData(100L << 30, 100L << 20, 0, 0, Severity.Failure, "hardly room")]
    [InlineData(100L << 30, 50L << 30, 1000, 10, Severity.Warning, "10 more files")]
    internal void Space(long bytes, long free, long files, long freeFiles, Severity severity, string said) =>
        Says(SpaceCheck.Judge("shared.path", Shared, "dumps", new FileSystemSpace(bytes, free, files, freeFiles)), severity, said);

    [Theory]
    [InlineData(Kept.Key, "600", 0, Severity.Ok, "")]
    [InlineData(Kept.Key, "640", 0, Severity.Warning, "mode 0640")]
    [InlineData(Kept.Key, "604", 0, Severity.Failure, "every user of this machine can do what it is to keep from them")]
    [InlineData(Kept.Configuration, "644", 0, Severity.Ok, "")]
    [InlineData(Kept.Configuration, "646", 0, Severity.Failure, "have root do what they like")]
    [InlineData(Kept.SecretConfiguration, "640", 0, Severity.Ok, "")]
    [InlineData(Kept.SecretConfiguration, "644", 0, Severity.Warning, "the database's password")]
    [InlineData(Kept.Directory, "750", 0, Severity.Ok, "")]
    [InlineData(Kept.Directory, "757", 0, Severity.Failure, "have root do what they like")]
    [InlineData(Kept.Directory, "750", 7, Severity.Warning, "belongs to user 7, and this is user 0")]
    internal void Permissions(Kept kept, string mode, uint owner, Severity severity, string said) => Says(
        PermissionCheck.Judge(new PermissionSeen("/x", kept, new FileStatus(FileKind.File, Convert.ToUInt32(mode, 8), owner, 0, 0, 0, 0, 0, 0, 1)), user: 0), severity, said);

    [Fact]
    public void A_key_that_is_missing_is_a_failure_and_a_directory_that_is_made_later_is_not()
    {
        Says(PermissionCheck.Judge(new PermissionSeen("/x", Kept.Key, null), 0), Severity.Failure, "no such file");
        Assert.Empty(PermissionCheck.Judge(new PermissionSeen("/x", Kept.Directory, null), 0));
    }

    [Theory]
    [InlineData("ext4", CaptureKind.Auto, false, false, true, Severity.Ok, "no shared blocks")]
    [InlineData("xfs", CaptureKind.Auto, false, true, true, Severity.Ok, "files share blocks")]
    [InlineData("btrfs", CaptureKind.Snapshot, false, true, true, Severity.Ok, "snapshots")]
    [InlineData("xfs", CaptureKind.Snapshot, false, true, true, Severity.Failure, "needs btrfs")]
    [InlineData("tmpfs", CaptureKind.Auto, false, false, true, Severity.Warning, "is memory")]
    [InlineData("fuse.x", CaptureKind.Auto, false, false, false, Severity.Warning, "cannot exchange")]
    [InlineData("nfs4", CaptureKind.Auto, false, false, true, Severity.Failure, "no local disk")]
    [InlineData("ceph", CaptureKind.Auto, true, false, true, Severity.Failure, "no local disk")]
    internal void Live_content(string type, CaptureKind capture, bool onShared, bool shares, bool exchanges, Severity severity, string said) => Says(
        LivePathCheck.Judge("wiki", capture, new LivePathSeen("/var/lib/wiki", new Mount("/var", type, "what", []), onShared, shares, exchanges, null)), severity, said);

    [Theory]
    [InlineData(false, true, "n2", "", Severity.Warning, "nobody answers for 10.0.0.50/24 of wiki on eth0, and n2 runs wiki")]
    [InlineData(false, true, "n2", "02:00:00:00:00:02", Severity.Ok, "n2 (02:00:00:00:00:02) answers")]
    [InlineData(false, true, "n4", "0e:00:00:00:00:09", Severity.Ok, "n4 owns wiki, and does not say which hardware address")]
    [InlineData(false, true, "n2", "0e:00:00:00:00:09", Severity.Failure, "0e:00:00:00:00:09 answers for 10.0.0.50/24 of wiki on eth0, and n2 has it")]
    [InlineData(false, true, "n2", "02:00:00:00:00:03", Severity.Failure, "n3 (02:00:00:00:00:03) answers")]
    [InlineData(false, true, "n2", "02:00:00:00:00:02 0e:00:00:00:00:09", Severity.Failure, "0e:00:00:00:00:09 answers")]
    [InlineData(false, true, "n4", "0e:00:00:00:00:08 0e:00:00:00:00:09", Severity.Failure, "0e:00:00:00:00:08 and 0e:00:00:00:00:09 answer")]
    [InlineData(false, true, null, "", Severity.Ok, "no node runs wiki")]
    [InlineData(false, true, null, "0e:00:00:00:00:09", Severity.Failure, "and no node has it")]
    [InlineData(true, true, "n1", "", Severity.Ok, "nobody else answers")]
    [InlineData(true, true, "n1", "02:00:00:00:00:02", Severity.Failure, "n2 (02:00:00:00:00:02) answers for 10.0.0.50/24 of wiki on eth0, and n1 has it")]
    [InlineData(true, false, null, "0e:00:00:00:00:09", Severity.Failure, "and n1 has it")]
    [InlineData(false, true, "n1", "0e:00:00:00:00:09", Severity.Failure, "and n1 should have it")]
    [InlineData(false, true, "n1", "02:00:00:00:00:02", Severity.Failure, "and n1 should have it")]
    [InlineData(false, false, null, "", Severity.Ok, "nobody answers")]
    [InlineData(false, false, null, "02:00:00:00:00:02", Severity.Ok, "is a node of the cluster")]
    [InlineData(false, false, null, "0e:00:00:00:00:09", Severity.Warning, "0e:00:00:00:00:09 answers")]
    [InlineData(false, false, null, "02:00:00:00:00:02 02:00:00:00:00:03", Severity.Warning, "n2 (02:00:00:00:00:02) and n3 (02:00:00:00:00:03) answer")]
    [InlineData(false, false, null, "02:00:00:00:00:02 0e:00:00:00:00:09", Severity.Failure, "no node is known to have it")]
    [InlineData(true, false, null, "02:00:00:00:00:02 02:00:00:00:00:03", Severity.Failure, "and n1 has it")]
    internal void Who_answers_for_an_address(bool isHere, bool isKnown, string? owner, string holders, Severity severity, string said) => Says(
        [AddressOwnerCheck.Judge(
            new AddressAsked(
                "wiki",
                new FloatingAddress(IPAddress.Parse("10.0.0.50"), 24, null),
                "eth0",
                isHere,
                [.. holders.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(holder => new HardwareAddress(holder))],
                ImmutableDictionary<HardwareAddress, string>.Empty.Add(new HardwareAddress("02:00:00:00:00:02"), "n2").Add(new HardwareAddress("02:00:00:00:00:03"), "n3")),
            new AddressOwner(isKnown, owner),
            "n1")],
        severity,
        said);

    /// <summary>Whoever is asked believes where the question comes from.</summary>
    [Fact]
    public void Other_nodes_are_asked_for_in_the_name_of_what_stays_on_this_one()
    {
        var (link, own, floating) = (new NetworkLink(2, "eth0", false, true, [2, 0, 0, 0, 0, 1]), IPAddress.Parse("10.0.0.1"), IPAddress.Parse("10.0.0.50"));
        var (older, newer) = (IPAddress.Parse("10.0.0.7"), IPAddress.Parse("fd00::1"));
        LinkAddress On(IPAddress address, int there = 2) => new(there, address, 24, true, 0);
        var table = new LinkTable([link], [On(floating), On(older), On(newer), On(own), On(IPAddress.Parse("10.1.0.1"), 3)]);
        Assert.Equal([own, older, newer], AddressOwnerCheck.AskersOf(table, link, own, ImmutableHashSet.Create(floating)));
    }

    [Fact]
    public void A_step_of_shared_storage_that_fails_says_what_could_happen()
    {
        StepSeen[] steps =
        [
            new(StorageStep.ExclusiveCreate, TimeSpan.FromMilliseconds(1), null),
            new(StorageStep.Link, TimeSpan.FromMilliseconds(1), "link: Operation not supported"),
            new(StorageStep.SyncFile, TimeSpan.FromSeconds(2), null),
        ];
        var findings = StorageCheck.Judge([.. steps]).ToList();
        Assert.Equal([Severity.Failure, Severity.Warning], findings.Select(finding => finding.Severity));
        Assert.Equal("link: link: Operation not supported", findings[0].Seen);
        Assert.Contains("fork", findings[0].Meaning, StringComparison.Ordinal);
        Assert.Equal("fsync of a file took 2000 ms", findings[1].Seen);
        Says(StorageCheck.Judge([steps[0]]), Severity.Ok, "exclusive create 1 ms");
    }

    [Fact]
    public void Peers_that_are_silent_are_warned_of_and_a_majority_that_is_missing_fails()
    {
        PeerSeen Seen(string node, Connection connection, Listener listener = Listener.Guard) => new(node, "10.0.0.2", 4054, listener, connection, "why", null, null);

        string[] three = ["n1", "n2", "n3"];
        Says(PeerCheck.Judge([Seen("n2", Connection.Stands), Seen("n3", Connection.Silent)], "n1", three, Now), Severity.Warning, "does not answer in 3 s");
        Says(PeerCheck.Judge([Seen("n2", Connection.Stands), Seen("n3", Connection.Refused)], "n1", three, Now), Severity.Warning, "nobody listens as n3's guard on 10.0.0.2:4054");
        Says(PeerCheck.Judge([Seen("n2", Connection.Silent), Seen("n3", Connection.Refused)], "n1", three, Now), Severity.Failure, "the guards of 1, itself included");
        Says(PeerCheck.Judge([Seen("n2", Connection.NotTrusted), Seen("n3", Connection.Stands)], "n1", three, Now), Severity.Failure, "do not believe one another: why");
        Says(PeerCheck.Judge([Seen("n2", Connection.Stands) with { CertificateEnds = Now.AddDays(3) }], "n1", ["n1", "n2"], Now), Severity.Warning, "ends on 2026-02-03");
        Says(
            PeerCheck.Judge([Seen("n2", Connection.Stands), Seen("n2", Connection.Stands, Listener.Health) with { ClockAhead = TimeSpan.FromSeconds(-90) }], "n1", ["n1", "n2"], Now),
            Severity.Warning, "n2's wall clock is 90 s behind");
    }

    [Theory]
    [InlineData("n1 n2 sql", "", Severity.Warning, "majority only while the database answers")]
    [InlineData("n1 n2 sql", "n2", Severity.Ok, "")]
    [InlineData("n1 n2 n3", "n4 n5", Severity.Failure, "of 3 voters (n1, n2, n3) this node reaches the guards of 1, itself included")]
    [InlineData("n1 n2 n3", "n2", Severity.Ok, "")]
    [InlineData("n2 n3 n4", "n2 n5", Severity.Failure, "reaches the guards of 1")]
    [InlineData("n2 n3 n4", "n2 n3", Severity.Ok, "")]
    internal void A_majority_is_one_of_voters(string voters, string standing, Severity severity, string said) => Says(
        PeerCheck.Judge(
            [.. standing.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(node => new PeerSeen(node, "10.0.0.2", 4054, Listener.Guard, Connection.Stands, null, null, null))],
            "n1", voters.Split(' '), Now),
        severity, said);

    [Theory]
    [InlineData("664", 0u, 50u, "the group 50 can have root do what it likes")]
    [InlineData("664", 0u, 0u, "")]
    [InlineData("644", 1000u, 0u, "that user can have root do what they like")]
    [InlineData("644", 7u, 0u, "")]
    public void Who_may_write_what_root_runs_is_said(string mode, uint owner, uint group, string said) => Says(
        PermissionCheck.Judge(new PermissionSeen("/x", Kept.Configuration, new FileStatus(FileKind.File, Convert.ToUInt32(mode, 8), owner, group, 0, 0, 0, 0, 0, 1)), user: 0, daemon: 7),
        said.Length > 0 ? Severity.Warning : Severity.Ok, said);

    [Theory]
    [InlineData("777", Severity.Failure)]
    [InlineData("1777", Severity.Ok)]
    [InlineData("755", Severity.Ok)]
    internal void A_directory_above_what_root_trusts(string mode, Severity severity) => Says(
        PermissionCheck.Judge(new PermissionSeen("/x", Kept.Above, new FileStatus(FileKind.Directory, Convert.ToUInt32(mode, 8), 0, 0, 0, 0, 0, 0, 0, 1)), user: 0), severity, "");

    [Fact]
    public void A_local_file_system_that_another_node_writes_to_is_the_servers() => Says(
        MountCheck.Judge(new SharedSeen(Shared, new Mount("/", "ext4", "what", ["rw"]), IsPrepared: true, OneMachine: false, IsServed: true)), Severity.Warning, "another node wrote there lately");

    [Fact]
    public async Task One_look_that_goes_wrong_in_an_unforeseen_way_is_a_finding()
    {
        var check = new Check("it", "", "look", Task<IEnumerable<Finding>> () => throw new System.ComponentModel.Win32Exception(13));
        Says(await check.RunAsync(TimeProvider.System), Severity.Failure, "Win32Exception");
    }

    [Theory]
    [InlineData(-1, Severity.Failure, "ended on 2026-01-30")]
    [InlineData(20, Severity.Warning, "ends on 2026-02-20")]
    [InlineData(100, Severity.Ok, "is good until 2026-05-11")]
    internal void A_certificate(int days, Severity severity, string said) =>
        Says([CertificateCheck.JudgeEnd("certificate", "n1.pem", Now.AddDays(days), Now, "renew it")], severity, said);

    [Theory]
    [InlineData("verified: PostgreSQL clusterfs on db: its constraints are there", Severity.Ok, "no epoch can be granted twice")]
    [InlineData("new: SQLite /x: there are no tables yet", Severity.Ok, "makes its tables")]
    [InlineData("refused: SQLite /x: table journal has no unique constraint", Severity.Failure, "no unique constraint")]
    [InlineData("away: SQLite /x: database is locked", Severity.Failure, "does not answer: SQLite /x")]
    [InlineData("Unhandled exception", Severity.Warning, "was not looked at")]
    [InlineData("", Severity.Warning, "ended without a word")]
    internal void A_journal(string answer, Severity severity, string said) => Says([JournalCheck.Judge(answer)], severity, said);

    [Theory]
    [InlineData(null, false, null, Severity.Warning, "no mark of n2")]
    [InlineData(3600, false, null, Severity.Ok, "n2's mark of 1 h 0 min ago")]
    [InlineData(3601, false, null, Severity.Warning, "does not say what that node writes to now")]
    [InlineData(1, true, 0.2, Severity.Ok, "within 0.20 s")]
    [InlineData(1, true, 8.0, Severity.Warning, "only after 8.0 s")]
    [InlineData(1, true, null, Severity.Warning, "did not see a change")]
    internal void A_mark(int? age, bool isRunning, double? thereAndBack, Severity severity, string said) => Says(
        MarkCheck.Judge([new MarkSeen(
            "n2", age is { } seconds ? TimeSpan.FromSeconds(seconds) : null, isRunning, thereAndBack is { } time ? TimeSpan.FromSeconds(time) : null)]),
        severity, said);

    [Theory]
    [InlineData("LoadState=not-found", Severity.Failure, "systemd knows no wiki.service")]
    [InlineData("LoadState=loaded\nId=wiki.service\nType=simple\nActiveState=inactive", Severity.Failure, "attach wiki.service wiki")]
    [InlineData("LoadState=loaded\nId=wiki.service\nType=simple\nActiveState=active\nBindsTo=clusterfs-lease@wiki.service\nExecStartPre={ argv[]=/usr/bin/clusterfs admit --guard", Severity.Ok, "only where this node holds the lease")]
    [InlineData("LoadState=loaded\nId=wiki.service\nType=simple\nUnitFileState=enabled\nBindsTo=clusterfs-lease@wiki.service\nExecStartPre={ argv[]=/usr/bin/clusterfs admit --guard", Severity.Warning, "is enabled")]
    internal void A_unit(string facts, Severity severity, string said) => Says([UnitCheck.Judge("wiki", "wiki.service", UnitFacts.Parse(facts))], severity, said);

    /// <summary>The worst of it, and what it says with it.</summary>
    private static void Says(IEnumerable<Finding> findings, Severity severity, string said)
    {
        var all = findings.ToList();
        Assert.Equal(severity, all.Select(finding => finding.Severity).DefaultIfEmpty(Severity.Ok).Max());
        Assert.All(all, finding => Assert.Equal(finding.Severity == Severity.Ok, finding.Remedy.Length == 0));
        if (said.Length > 0)
        {
            Assert.Contains(all, finding => finding.Severity == severity && $"{finding.Seen}; {finding.Meaning}".Contains(said, StringComparison.Ordinal));
        }
    }
}
