namespace ClusterFs.Configuration.Tests;

public sealed class LoadingTests : IDisposable
{
    private readonly ConfigurationFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void What_is_not_written_has_its_default()
    {
        var settings = _files.LoadGoodAnd("");
        Assert.Equal("127.0.0.1", settings.Node.Address);
        Assert.Equal("/run/clusterfs/clusterfs.sock", settings.Node.Socket);
        Assert.Equal("/run/clusterfs/guard.sock", settings.Node.GuardSocket);
        Assert.Equal(("clusterfs", 4053, 4054, 4080), (settings.Cluster.Name, settings.Cluster.Port, settings.Cluster.GuardPort, settings.Cluster.HttpPort));
        Assert.Equal<string>(["n1", "n2", "n3"], settings.Cluster.Voters);
        Assert.Equal(new LeaseSettings(TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(1500)), settings.Lease);
        var wiki = settings.Services["wiki"];
        Assert.Equal<string>(["n1", "n2", "n3"], wiki.Nodes);
        Assert.Equal(new LiveSettings("/var/lib/wiki", CaptureKind.Auto, TimeSpan.FromSeconds(5), new RetentionSettings(60, 24, 14, 8, 12, 0)), wiki.Live);
        Assert.Equal((null, null, TimeSpan.FromSeconds(10)), (wiki.Unit, wiki.PidFile, wiki.StopTimeout));
    }

    [Theory]
    [InlineData("clusterfs.cluster.nodes.n4 = 127.0.0.4", new[] { "n1", "n2", "n3", "n4", "sql" })]
    [InlineData("clusterfs.cluster { nodes.n4 = 127.0.0.4, voters = [n1, n2, n3] }", new[] { "n1", "n2", "n3" })]
    [InlineData("clusterfs.cluster { nodes.n4 = 127.0.0.4, voters = [n1, n2, n3, n4] }", new[] { "n1", "n2", "n3", "n4" })]
    [InlineData("clusterfs.cluster.voters = [n1, n2, sql]", new[] { "n1", "n2", "sql" })]
    public void The_database_votes_where_the_number_of_nodes_is_even_or_it_is_named(string addition, string[] expected) =>
        Assert.Equal<string>(expected, _files.LoadGoodAnd(addition).Cluster.Voters);

    [Theory]
    [InlineData("http://127.0.0.1:4318", "http://127.0.0.1:4318/")]
    [InlineData("https://collector/otlp", "https://collector/otlp/")]
    public void A_collector_may_have_a_path(string written, string expected) => Assert.Equal(
        expected, _files.LoadGoodAnd($"clusterfs.telemetry.otlp-endpoint = \"{written}\"").Telemetry.OtlpEndpoint!.ToString());

    [Fact]
    public void Hooks_and_commands_of_a_capture_have_times_of_their_own()
    {
        var hooked = _files.LoadGoodAnd("clusterfs.services.wiki.live { capture = hooks, quiesce = \"redis-cli save\", resume = true }").Services["wiki"].Live;
        Assert.Equal(new HookSettings("redis-cli save", "true", TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1)), hooked.Hooks);
        Assert.Null(hooked.Command);
        var written = _files.LoadGoodAnd(
            "clusterfs.services.wiki.live { capture = hooks, quiesce = a, resume = b, hook-timeout = 100ms, quiesce-limit = 1h }").Services["wiki"].Live;
        Assert.Equal(new HookSettings("a", "b", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)), written.Hooks);
        var commanded = _files.LoadGoodAnd("clusterfs.services.wiki.live { capture = command, command = copy, command-timeout = 2h }").Services["wiki"].Live;
        Assert.Equal((CaptureKind.Command, new CaptureCommandSettings("copy", TimeSpan.FromHours(2))), (commanded.Capture, commanded.Command));
        Assert.Null(commanded.Hooks);
    }

    [Fact]
    public void Rehearsals_have_an_interval_or_none_and_a_check_of_the_services()
    {
        var written = _files.LoadGoodAnd("clusterfs.services.wiki.live.rehearsal { every = 12h, check = \"pg_verifybackup .\", check-timeout = 1h }").Services["wiki"].Live;
        Assert.Equal(new RehearsalSettings(TimeSpan.FromHours(12), "pg_verifybackup .", TimeSpan.FromHours(1)), written.Rehearsal);
        Assert.Null(_files.LoadGoodAnd("clusterfs.services.wiki.live.rehearsal.every = off").Services["wiki"].Live.Rehearsal.Every);
    }

    [Fact]
    public void Logs_have_one_link_or_several()
    {
        Assert.Null(_files.LoadGoodAnd("").Services["wiki"].Logs);
        var one = _files.LoadGoodAnd("clusterfs.services.wiki.logs.link = /var/log/wiki/").Services["wiki"].Logs!;
        Assert.Equal<string>(["/var/log/wiki"], one.Links);
        Assert.Equal((null, null, null), (one.FileName, one.TimePattern, one.Reopen));
        var several = _files.LoadGoodAnd(
            "clusterfs.services.wiki.logs { link = [/var/log/wiki, /var/log/nginx], file-name = \"*.%NODE%\", time-pattern = \"%s\", reopen = go }").Services["wiki"].Logs!;
        Assert.Equal<string>(["/var/log/wiki", "/var/log/nginx"], several.Links);
        Assert.Equal(("*.%NODE%", "%s", "go"), (several.FileName, several.TimePattern, several.Reopen));
    }

    [Fact]
    public void Seeded_files_are_by_path_with_variables_for_all_nodes_and_for_one()
    {
        var settings = _files.LoadGoodAnd("""
            clusterfs.seeded { poll-every = 10s, variables { DOMAIN = example.org, WORKERS = 2 }, nodes.n2.WORKERS = 8 }
            clusterfs.services.wiki.seeded {
              "/etc/wiki/site.conf" { template = wiki/site.conf.in, owner = wiki, group = "33", mode = 0640, check = "a", check-timeout = 1m, reload = b }
              "/etc/wiki/plain" { template = wiki/plain }
            }
            """);
        Assert.Equal<SeededSettings>(
            [
                new SeededSettings("/etc/wiki/site.conf", "wiki/site.conf.in")
                {
                    Owner = "wiki", Group = "33", Mode = 0x1A0, Check = "a", CheckTimeout = TimeSpan.FromMinutes(1), Reload = "b",
                },
                new SeededSettings("/etc/wiki/plain", "wiki/plain"),
            ],
            settings.Services["wiki"].Seeded);
        Assert.Equal(TimeSpan.FromSeconds(10), settings.Seeded.PollEvery);
        Assert.Equal("example.org 2 8", $"{settings.Seeded.Variables["DOMAIN"]} {settings.Seeded.Variables["WORKERS"]} {settings.Seeded.Nodes["n2"]["WORKERS"]}");
        Assert.Equal(Path.Combine(_files.State, "seeded"), settings.Node.SeededDirectory);
        Assert.Empty(_files.LoadGoodAnd("").Services["wiki"].Seeded);
    }

    [Theory]
    [InlineData("never", FailbackKind.Never)]
    [InlineData("manual", FailbackKind.Manual)]
    [InlineData("after:90s", FailbackKind.After)]
    [InlineData("window:23:30-01:00", FailbackKind.Window)]
    public void Failback_is_read_as_it_is_shown(string written, FailbackKind kind)
    {
        var failback = _files.LoadGoodAnd($"clusterfs.services.wiki.failback = \"{written}\"").Services["wiki"].Failback;
        Assert.Equal((kind, written), (failback.Kind, failback.ToString()));
        Assert.Equal(FailbackSettings.Never, _files.LoadGoodAnd("").Services["wiki"].Failback);
    }

    [Fact]
    public void Services_that_are_kept_together_go_in_the_order_in_which_they_name_one_another()
    {
        var services = _files.LoadGoodAnd("""
            clusterfs.services {
              wiki { with = [db], depends-on = [db, cache] }
              db { live.path = /var/lib/db }
              cache { live.path = /var/lib/cache, with = [db] }
              alone { live.path = /var/lib/alone, depends-on = [db] }
            }
            """).Services;
        Assert.Equal<string>(["db", "cache", "wiki"], services["wiki"].Together);
        Assert.Equal<string>(["db", "cache", "wiki"], services["db"].Together);
        Assert.Empty(services["alone"].Together);
        Assert.Equal<string>(["db"], services["alone"].DependsOn);
    }

    [Fact]
    public void The_order_of_a_services_nodes_is_kept()
    {
        var settings = _files.LoadGoodAnd("clusterfs.services.wiki.nodes = [n3, n1]");
        Assert.Equal<string>(["n3", "n1"], settings.Services["wiki"].Nodes);
    }

    [Fact]
    public void The_local_file_overrides_what_it_includes()
    {
        _files.Write("shared/cluster.conf", ConfigurationFiles.Good);
        var loaded = _files.Load("include \"shared/cluster.conf\"\nclusterfs.node.name = n2");
        Assert.Equal(("n2", "127.0.0.2"), (loaded.Settings.Node.Name, loaded.Settings.Node.Address));
        Assert.Equal<string>([Path.Combine(_files.Root, "node.conf"), Path.Combine(_files.Root, "shared/cluster.conf")], loaded.Files);
    }

    [Fact]
    public void Keys_that_exist_to_be_referred_to_are_no_mistake()
    {
        var settings = _files.LoadGoodAnd("base = /data\nclusterfs.services.wiki.live.path = ${base}/wiki");
        Assert.Equal("/data/wiki", settings.Services["wiki"].Live.Path);
    }

    [Fact]
    public void No_services_is_worth_a_warning()
    {
        var loaded = _files.Load(ConfigurationFiles.Good.Replace("services.wiki.live.path = /var/lib/wiki", "", StringComparison.Ordinal));
        Assert.Contains("no service is configured", Assert.Single(loaded.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_is_not_shown_by_accident() => Assert.DoesNotContain(
        "secret",
        _files.LoadGoodAnd("clusterfs.journal { provider = postgresql, connection-string = \"Password=secret\" }").ToString(),
        StringComparison.Ordinal);

    [Fact]
    public void Included_files_are_kept_and_used_while_they_cannot_be_read()
    {
        var shared = _files.Write("shared/cluster.conf", ConfigurationFiles.Good);
        _files.Write("shared/more.conf", "clusterfs.lease.ttl = 7s");
        const string Local = "include \"shared/cluster.conf\"\ninclude \"shared/more.conf\"\nclusterfs.node { name = n1, state-dir = \"STATE\" }";
        var good = _files.Load(Local, new LoadOptions { KeepCopies = true });
        Assert.Empty(good.Warnings);

        Directory.Delete(Path.GetDirectoryName(shared)!, recursive: true);
        var later = _files.Load(Local, new LoadOptions { KeepCopies = true });
        Assert.Equal(TimeSpan.FromSeconds(7), later.Settings.Lease.Ttl);
        Assert.Equal(2, later.Warnings.Length);
        Assert.All(later.Warnings, warning => Assert.Contains("its copy in", warning, StringComparison.Ordinal));
    }

    [Fact]
    public void Shared_storage_that_is_away_is_no_mistake_where_the_copies_are_used()
    {
        var shared = _files.Write("shared/cluster.conf", ConfigurationFiles.Good);
        const string Local = "include \"shared/cluster.conf\"\nclusterfs.node { name = n1, state-dir = \"STATE\" }\nclusterfs.shared.path = \"/nowhere/at/all\"";
        Assert.Single(_files.Mistakes(Local, new LoadOptions { CheckPaths = true }));
        _files.Load(Local, new LoadOptions { KeepCopies = true });

        Directory.Delete(Path.GetDirectoryName(shared)!, recursive: true);
        var later = _files.Load(Local, new LoadOptions { CheckPaths = true });
        Assert.Contains(later.Warnings, warning => warning.Contains("/nowhere/at/all is not there", StringComparison.Ordinal));
    }

    [Fact]
    public void A_bad_configuration_replaces_no_copy()
    {
        var shared = _files.Write("shared.conf", ConfigurationFiles.Good);
        const string Local = "include \"shared.conf\"";
        _files.Load(Local, new LoadOptions { KeepCopies = true });
        _files.Write("shared.conf", ConfigurationFiles.Good + "\nclusterfs.lease.ttl = -1s");
        Assert.Single(_files.Mistakes(Local, new LoadOptions { KeepCopies = true }));

        // What works by the copies goes on as before.
        Assert.Equal(TimeSpan.FromSeconds(5), _files.Load(Local + "\nclusterfs.node.state-dir = \"STATE\"", new LoadOptions { PreferCopies = true }).Settings.Lease.Ttl);

        var copy = Assert.Single(Directory.GetFiles(Path.Combine(_files.State, "config-cache")));
        Assert.DoesNotContain("-1s", File.ReadAllText(copy), StringComparison.Ordinal);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Path.GetDirectoryName(copy)!));
        Assert.True(File.Exists(shared));
    }

    [Fact]
    public void An_include_that_never_answers_is_given_up()
    {
        var pipe = Path.Combine(_files.Root, "pipe.conf");
        using (var made = System.Diagnostics.Process.Start("mkfifo", pipe))
        {
            made.WaitForExit();
        }

        var mistakes = _files.Mistakes("include \"pipe.conf\"", new LoadOptions { IncludeTimeout = TimeSpan.FromMilliseconds(100) });
        Assert.Equal(
            ["node.conf:1: the included file pipe.conf cannot be read: no answer within 0.1 s; is the shared file system mounted?"], mistakes);

        // Lets the abandoned reads end.
        using var writer = new FileStream(pipe, FileMode.Open, FileAccess.Write);
    }
}
