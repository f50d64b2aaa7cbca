using System.Formats.Tar;
using System.Text.Json.Nodes;
using ClusterFs.Archive;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;

namespace ClusterFs.Cli.Tests;

/// <summary>The commands that need no daemon, on an archive made by the library itself.</summary>
public sealed class ArchiveCommandsTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task An_archive_without_dumps_is_an_empty_list_and_restores_nothing()
    {
        var listed = await _cli.RunAsync("archive", "list", "wiki");
        Assert.Equal((ExitCodes.Done, "SEQUENCE  TIME  EPOCH  NODE  FILES  SIZE  ADDED  GUARANTEE\n"), (listed.ExitCode, listed.Output));
        var restored = await _cli.RunAsync("archive", "restore", "wiki", "--to", _cli.Root + "/there");
        Assert.Equal(
            (ExitCodes.Failed, "clusterfs: the archive of wiki holds no dump yet; is the service running anywhere?\n"),
            (restored.ExitCode, restored.Error));
        Assert.False(Directory.Exists(_cli.Root + "/there"));
    }

    [Fact]
    public async Task Shared_storage_that_is_away_is_one_line()
    {
        Directory.Delete(_cli.Shared, recursive: true);
        var outcome = await _cli.RunAsync("archive", "list", "wiki");
        Assert.Equal((ExitCodes.Failed, ""), (outcome.ExitCode, outcome.Output));
        Assert.StartsWith("clusterfs: Shared storage at ", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, outcome.Error.Count(c => c == '\n'));
    }

    [Fact]
    public async Task Dumps_are_listed_and_restored()
    {
        Dump("n1", 1, ("page", "one"), ("page", "two"));
        var listed = JsonNode.Parse((await _cli.RunAsync("archive", "list", "wiki", "--json")).Output)!;
        var sequences = listed["dumps"]!.AsArray().Select(dump => (long)dump!["sequence"]!).ToList();
        Assert.Equal(2, sequences.Count);
        Assert.Equal(("n1", 1, 1, 3), (
            (string?)listed["dumps"]![0]!["node"],
            (int?)listed["dumps"]![0]!["epoch"],
            (int?)listed["dumps"]![0]!["files"],
            (int?)listed["dumps"]![0]!["bytes"]));

        var newest = await _cli.RunAsync("archive", "restore", "wiki", "--to", _cli.Root + "/newest");
        Assert.Equal((ExitCodes.Done, ""), (newest.ExitCode, newest.Error));
        Assert.StartsWith($"wiki: dump #{sequences[1]} of ", newest.Output, StringComparison.Ordinal);
        Assert.Equal("two", await File.ReadAllTextAsync(_cli.Root + "/newest/page"));

        await _cli.RunAsync("archive", "restore", "wiki", "--to", _cli.Root + "/first", "--sequence", $"{sequences[0]}");
        Assert.Equal("one", await File.ReadAllTextAsync(_cli.Root + "/first/page"));
    }

    [Fact]
    public async Task A_restore_goes_over_nothing_and_to_no_dump_that_is_not_there()
    {
        Dump("n1", 1, ("page", "one"));
        var over = await _cli.RunAsync("archive", "restore", "wiki", "--to", _cli.Live);
        Assert.Equal(
            (ExitCodes.Failed, "clusterfs: live is not an empty directory. Name one that is empty or does not exist yet.\n"),
            (over.ExitCode, over.Error));
        var missing = await _cli.RunAsync("archive", "restore", "wiki", "--to", _cli.Root + "/there", "--sequence", "99");
        Assert.Equal(
            (ExitCodes.Failed, "clusterfs: the archive of wiki has no dump #99; see 'clusterfs archive list wiki'; the newest is #2\n"),
            (missing.ExitCode, missing.Error));
    }

    [Fact]
    public async Task A_rehearsal_restores_checks_and_leaves_only_how_it_went()
    {
        var nothing = await _cli.RunAsync("archive", "rehearse", "wiki");
        Assert.Equal(
            (ExitCodes.Failed, "", "clusterfs: the archive of wiki holds no dump yet; is the service running anywhere?\n"),
            (nothing.ExitCode, nothing.Output, nothing.Error));
        Dump("n1", 1, ("page", "one"), ("page", "two"));

        var restored = await _cli.RunAsync("archive", "rehearse", "wiki");
        Assert.Equal((ExitCodes.Done, ""), (restored.ExitCode, restored.Error));
        Assert.Matches("^wiki: dump #3 was restored in .* s: 3 B. No check is configured, so nothing has looked at it.\n$", restored.Output);

        var passed = await _cli.RunAsync("archive", "rehearse", "wiki", "--check", "test $CLUSTERFS_NODE = n1 && grep -qx two page");
        Assert.Equal((ExitCodes.Done, ""), (passed.ExitCode, passed.Error));
        Assert.Matches("^wiki: dump #3 was restored in .* s: 3 B. Its check passed, in .* s.\n$", passed.Output);

        var failed = await _cli.RunAsync("archive", "rehearse", "wiki", "--sequence", "2", "--check", "echo not two; grep -qx two page");
        Assert.Equal(
            (ExitCodes.Failed, "wiki: dump #2 FAILED: it was restored, but its check failed: exit code 1: not two\n", ""),
            (failed.ExitCode, failed.Output, failed.Error));

        var json = JsonNode.Parse((await _cli.RunAsync("archive", "rehearse", "wiki", "--check", "sleep 300", "--check-timeout", "100ms", "--json")).Output)!;
        Assert.Equal((3, false, 3), ((long)json["sequence"]!, (bool)json["passed"]!, (long)json["bytes"]!));
        Assert.Contains("no end after 0.1 s, killed", (string?)json["problem"], StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateDirectories(Rehearsals));

        // Only the first was what the daemon would do.
        var remembered = await File.ReadAllTextAsync(Rehearsals + "/history.json");
        Assert.Contains("\"sequence\": 3", remembered, StringComparison.Ordinal);
        Assert.DoesNotContain("problem", remembered, StringComparison.Ordinal);
        Assert.DoesNotContain("checkSeconds", remembered, StringComparison.Ordinal);
        Assert.Equal("two", await File.ReadAllTextAsync(Path.Combine(_cli.Live, "page")));
    }

    [Fact]
    public async Task The_check_of_the_configuration_is_the_one_that_is_run()
    {
        File.AppendAllText(_cli.ConfigurationFile, "\nclusterfs.services.wiki.live.rehearsal { every = off, check = \"echo configured; exit 7\" }\n");
        Dump("n1", 1, ("page", "one"));
        var outcome = await _cli.RunAsync("archive", "rehearse", "wiki");
        Assert.Equal((ExitCodes.Failed, "wiki: dump #2 FAILED: it was restored, but its check failed: exit code 7: configured\n"), (outcome.ExitCode, outcome.Output));
    }

    [Fact]
    public async Task A_rehearsal_beside_another_is_refused()
    {
        Dump("n1", 1, ("page", "one"));
        await _cli.RunAsync("archive", "rehearse", "wiki");
        using (Posix.DirectoryLock.TryTake(Rehearsals))
        {
            var outcome = await _cli.RunAsync("archive", "rehearse", "wiki");
            Assert.Equal(
                (ExitCodes.Refused, "", "clusterfs: Another rehearsal is under way in .live.clusterfs/rehearsal. Wait for it to end\n"),
                (outcome.ExitCode, outcome.Output, outcome.Error));
        }
    }

    [Fact]
    public async Task Without_a_cluster_a_rehearsal_needs_a_place()
    {
        Dump("n1", 1, ("page", "one"));
        var missing = await _cli.RunAsync("archive", "rehearse", "--store", _cli.Shared, "wiki");
        Assert.Equal(ExitCodes.Usage, missing.ExitCode);
        Assert.Contains("--scratch DIR is needed", missing.Error, StringComparison.Ordinal);

        var scratch = Directory.CreateDirectory(_cli.Root + "/scratch").FullName;
        var passed = await _cli.RunAsync("archive", "rehearse", "--store", _cli.Shared, "wiki", "--scratch", scratch, "--check", "grep -qx one page");
        Assert.Equal((ExitCodes.Done, ""), (passed.ExitCode, passed.Error));
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch));
        Assert.False(Directory.Exists(Rehearsals));
    }

    private string Rehearsals => _cli.Root + "/.live.clusterfs/rehearsal";

    [Fact]
    public async Task Divergent_content_is_shown_by_what_differs_from_the_dump_before_it()
    {
        KeepDivergent();

        var shown = await _cli.RunAsync("divergent", "show", "wiki", "n1-1");
        Assert.Equal(ExitCodes.Done, shown.ExitCode);
        Assert.Contains("Kept because n1 was lost.", shown.Output, StringComparison.Ordinal);
        Assert.Contains("Since dump #2, from which it derives: 0 added, 1 changed, 0 removed.", shown.Output, StringComparison.Ordinal);

        var json = JsonNode.Parse((await _cli.RunAsync("divergent", "show", "wiki", "n1-1", "--json")).Output)!;
        Assert.Equal(("page", "changed"), ((string?)json["changes"]![0]!["path"], (string?)json["changes"]![0]!["kind"]));
    }

    [Fact]
    public async Task What_is_discarded_has_to_be_named_twice()
    {
        var id = KeepDivergent();

        var asked = await _cli.RunAsync("divergent", "discard", "wiki", "n1");
        Assert.Equal((ExitCodes.Usage, ""), (asked.ExitCode, asked.Output));
        Assert.Contains("1 changed", asked.Error, StringComparison.Ordinal);
        Assert.EndsWith($"clusterfs: this has to be confirmed; in a script, add --confirm {id}\n", asked.Error, StringComparison.Ordinal);
        var wrong = await _cli.RunAsync("divergent", "discard", "wiki", "n1", "--confirm", "n1");
        Assert.Equal((ExitCodes.Usage, $"clusterfs: --confirm names 'n1', and what was found is {id}; nothing has changed\n"), (wrong.ExitCode, wrong.Error));
        Assert.Contains(id, (await _cli.RunAsync("divergent", "list", "wiki")).Output, StringComparison.Ordinal);

        var discarded = await _cli.RunAsync("divergent", "discard", "wiki", "n1", "--confirm", id);
        Assert.Equal((ExitCodes.Done, $"wiki: {id} is discarded.\n", ""), (discarded.ExitCode, discarded.Output, discarded.Error));
        Assert.DoesNotContain(id, (await _cli.RunAsync("divergent", "list", "wiki")).Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, (await _cli.RunAsync("divergent", "discard", "wiki", id, "--confirm", id)).ExitCode);
    }

    [Fact]
    public async Task What_is_adopted_is_the_newest_dump()
    {
        var id = KeepDivergent();

        var asked = await _cli.RunAsync("divergent", "adopt", "wiki", id);
        Assert.Equal(ExitCodes.Usage, asked.ExitCode);
        Assert.Contains("The dump since then, up to #4", asked.Error, StringComparison.Ordinal);

        var adopted = await _cli.RunAsync("divergent", "adopt", "wiki", id, "--confirm", id, "--json");
        Assert.Equal((ExitCodes.Done, ""), (adopted.ExitCode, adopted.Error));
        Assert.Equal(5, (int?)JsonNode.Parse(adopted.Output)!["sequence"]);
        await _cli.RunAsync("archive", "restore", "wiki", "--to", _cli.Root + "/newest");
        Assert.Equal("never dumped", await File.ReadAllTextAsync(_cli.Root + "/newest/page"));

        var listed = (await _cli.RunAsync("archive", "list", "wiki")).Output;
        Assert.Equal(1, listed.Split('\n').Count(line => line.Contains("adopted", StringComparison.Ordinal)));
        Assert.Matches($"\n5 .* adopted, was {id}: 1 file", listed);
        var dumps = JsonNode.Parse((await _cli.RunAsync("archive", "list", "wiki", "--json")).Output)!["dumps"]!.AsArray();
        Assert.Equal([null, null, id], dumps.Select(dump => (string?)dump!["adopted"]));
        Assert.Contains(
            $"\nAdopted: it was divergent content before, {id}.\n", (await _cli.RunAsync("archive", "show", "wiki")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Divergent_content_is_listed_and_exported_as_tar()
    {
        KeepDivergent();

        var listed = JsonNode.Parse((await _cli.RunAsync("divergent", "list", "wiki", "--json")).Output)!;
        var record = Assert.Single(listed["divergent"]!.AsArray())!;
        Assert.Equal(("n1", 1, "n1 was lost"), ((string?)record["node"], (int?)record["epoch"], (string?)record["reason"]));
        Assert.Contains((string)record["id"]!, (await _cli.RunAsync("divergent", "list", "wiki")).Output, StringComparison.Ordinal);

        var file = _cli.Root + "/kept.tar";
        var exported = await _cli.RunAsync("divergent", "export", "wiki", "n1-1", "--output", file);
        Assert.Equal((ExitCodes.Done, ""), (exported.ExitCode, exported.Error));
        await using (var stream = File.OpenRead(file))
        await using (var tar = new TarReader(stream))
        {
            var entry = (await tar.GetNextEntryAsync())!;
            Assert.Equal("page", entry.Name);
            Assert.Equal("never dumped", await new StreamReader(entry.DataStream!).ReadToEndAsync());
        }

        var again = await _cli.RunAsync("divergent", "export", "wiki", "n1-1", "--output", file);
        Assert.Equal(
            (ExitCodes.Failed, "clusterfs: kept.tar exists already; name another file, or remove it\n"), (again.ExitCode, again.Error));
        var unknown = await _cli.RunAsync("divergent", "export", "wiki", "n3", "--output", _cli.Root + "/other.tar");
        Assert.Equal(
            (ExitCodes.Failed, "clusterfs: wiki has no divergent content 'n3'; see 'clusterfs divergent list wiki'\n"),
            (unknown.ExitCode, unknown.Error));
        Assert.Empty(Directory.GetFiles(_cli.Root, "*.partial"));
    }

    /// <summary>n1 wrote something after its dump, and n2 took over.</summary>
    private string KeepDivergent()
    {
        Dump("n1", 1, ("page", "one"));
        File.WriteAllText(Path.Combine(_cli.Live, "page"), "never dumped");
        Directory.Move(_cli.Live, _cli.Root + "/aside");
        Directory.Move(_cli.Root + "/.live.clusterfs", _cli.Root + "/marker");
        Dump("n2", 2, ("page", "taken over"));
        Directory.Delete(_cli.Live, recursive: true);
        Directory.Delete(_cli.Root + "/.live.clusterfs", recursive: true);
        Directory.Move(_cli.Root + "/aside", _cli.Live);
        Directory.Move(_cli.Root + "/marker", _cli.Root + "/.live.clusterfs");
        using var content = LocalContent.Open(new ServiceArchive(_cli.Shared, "wiki"), _cli.Live, "n1", CaptureMode.Auto);
        return content.KeepDivergent("n1 was lost", CancellationToken.None)!.Id;
    }

    [Fact]
    public async Task Without_a_cluster_a_command_or_hooks_capture_a_directory()
    {
        var (store, data) = (_cli.Root + "/store", _cli.Root + "/data");
        Directory.CreateDirectory(data);
        File.WriteAllText(Path.Combine(data, "raw"), "raw");

        var commanded = await _cli.RunAsync(
            "archive", "dump", "--store", store, "--init", "blog", data, "--capture", "command", "--command", "echo \"of $CLUSTERFS_SERVICE\" > \"$CLUSTERFS_TARGET/copy\"");
        Assert.Equal((ExitCodes.Done, ""), (commanded.ExitCode, commanded.Error));
        Assert.Contains("1 file: as the capture command wrote them", commanded.Output, StringComparison.Ordinal);
        await _cli.RunAsync("archive", "restore", "--store", store, "blog", "--to", _cli.Root + "/there");
        Assert.Equal("of blog\n", File.ReadAllText(_cli.Root + "/there/copy"));

        var hooked = await _cli.RunAsync(
            "archive", "dump", "--store", store, "blog", data, "--capture", "hooks", "--quiesce", "echo saved > saved", "--resume", "echo no server; exit 9");
        Assert.Equal(ExitCodes.Done, hooked.ExitCode);
        Assert.Contains("2 files: read while the service stood still, by its quiesce hook", hooked.Output, StringComparison.Ordinal);
        Assert.Equal(
            "warning: THE RESUME HOOK OF blog FAILED, SO IT MAY STAND STILL: exit code 9: no server. It is tried again before the next dump\n", hooked.Error);

        var failed = await _cli.RunAsync(
            "archive", "dump", "--store", store, "blog", data, "--capture", "hooks", "--quiesce", "echo no server; exit 8", "--resume", "true");
        Assert.Equal(
            (ExitCodes.Failed, "clusterfs: The quiesce hook of blog failed, so nothing was dumped: exit code 8: no server\n"), (failed.ExitCode, failed.Error));
    }

    [Fact]
    public async Task Without_a_cluster_a_directory_is_dumped_shown_verified_exported_and_restored()
    {
        var store = _cli.Root + "/store";
        var data = Directory.CreateDirectory(_cli.Root + "/data").FullName;
        File.WriteAllText(data + "/page", "one");
        var missing = await _cli.RunAsync("archive", "dump", "--store", store, "blog", data);
        Assert.Equal(ExitCodes.Failed, missing.ExitCode);
        Assert.Contains("mkdir store/clusterfs", missing.Error, StringComparison.Ordinal);

        var first = await _cli.RunAsync("archive", "dump", "--store", store, "--init", "blog", data);
        Assert.Equal((ExitCodes.Done, ""), (first.ExitCode, first.Error));
        Assert.StartsWith("blog: dump #2: 1 files, 3 B, ", first.Output, StringComparison.Ordinal);
        Assert.Contains("nothing has changed", (await _cli.RunAsync("archive", "dump", "--store", store, "blog", data)).Output, StringComparison.Ordinal);
        File.WriteAllText(data + "/page", "two!");
        File.WriteAllText(data + "/new", "new");
        Assert.Equal(ExitCodes.Done, (await _cli.RunAsync("archive", "dump", "--store", store, "blog", data)).ExitCode);

        var listed = JsonNode.Parse((await _cli.RunAsync("archive", "list", "--store", store, "blog", "--json")).Output)!;
        Assert.Equal([2, 3], listed["dumps"]!.AsArray().Select(dump => (int)dump!["sequence"]!));
        var shown = JsonNode.Parse((await _cli.RunAsync("archive", "show", "--store", store, "blog", "--json")).Output)!;
        Assert.Equal(
            ["added new 3", "changed page 4"],
            shown["changes"]!.AsArray().Select(change => $"{change!["kind"]} {change["path"]} {change["bytes"]}"));
        Assert.Contains("#3 intact", (await _cli.RunAsync("archive", "verify", "--store", store, "--all", "blog")).Output, StringComparison.Ordinal);
        Assert.Contains("#3 intact", (await _cli.RunAsync("archive", "verify", "--store", store, "--quick", "blog")).Output, StringComparison.Ordinal);

        var tar = _cli.Root + "/blog.tar";
        Assert.Equal(ExitCodes.Done, (await _cli.RunAsync("archive", "export", "--store", store, "blog", "--output", tar)).ExitCode);
        Assert.True(new FileInfo(tar).Length > 1000);

        var to = _cli.Root + "/there";
        var at = (string)listed["dumps"]![0]!["at"]!;
        Assert.Equal(ExitCodes.Done, (await _cli.RunAsync("archive", "restore", "--store", store, "blog", "--to", to, "--at", at)).ExitCode);
        Assert.Equal("one", File.ReadAllText(to + "/page"));
        Assert.Equal(ExitCodes.Done, (await _cli.RunAsync("archive", "restore", "--store", store, "blog", "--to", to, "--over")).ExitCode);
        Assert.Equal(("two!", "new"), (File.ReadAllText(to + "/page"), File.ReadAllText(to + "/new")));
        var both = await _cli.RunAsync("archive", "restore", "--store", store, "blog", "--to", to, "--at", at, "--sequence", "2");
        Assert.Equal(ExitCodes.Usage, both.ExitCode);
    }

    [Fact]
    public async Task An_encrypted_archive_is_dumped_and_restored_with_its_keys_alone()
    {
        var (store, keys, source) = (_cli.Root + "/store", _cli.Root + "/keys", _cli.Root + "/blog");
        File.WriteAllText(keys, $"# made for a test\n{new string('7', 64)}\n");
        File.SetUnixFileMode(keys, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Directory.CreateDirectory(source);
        File.WriteAllText(source + "/page", "not for everybody");
        Assert.Equal(ExitCodes.Done, (await _cli.RunAsync("archive", "dump", "--store", store, "--init", "--key-file", keys, "blog", source)).ExitCode);

        var without = await _cli.RunAsync("archive", "restore", "--store", store, "blog", "--to", _cli.Root + "/there");
        Assert.Equal(ExitCodes.Failed, without.ExitCode);
        Assert.EndsWith(" is encrypted. Name the file with its key (shared.key-file, or --key-file).\n", without.Error, StringComparison.Ordinal);
        File.WriteAllText(source + "/page", "in the clear");
        var added = await _cli.RunAsync("archive", "dump", "--store", store, "blog", source);
        Assert.Equal((ExitCodes.Failed, ""), (added.ExitCode, added.Output));

        Assert.Equal(ExitCodes.Done, (await _cli.RunAsync("archive", "restore", "--store", store, "--key-file", keys, "blog", "--to", _cli.Root + "/there")).ExitCode);
        Assert.Equal("not for everybody", File.ReadAllText(_cli.Root + "/there/page"));
        File.SetUnixFileMode(keys, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var open = await _cli.RunAsync("archive", "verify", "--store", store, "--key-file", keys, "blog");
        Assert.Equal((ExitCodes.Failed, "clusterfs: keys holds keys, and others than its owner have access to it. Take that away: chmod 600 keys\n"), (open.ExitCode, open.Error));
    }

    [Fact]
    public async Task Damage_is_named_and_ends_with_failure()
    {
        Dump("n1", 1, ("page", "one"));
        var pack = Directory.GetFiles(_cli.Shared + "/clusterfs/archive/wiki/packs").Single();
        using (var stream = new FileStream(pack, FileMode.Open, FileAccess.ReadWrite))
        {
            stream.Position = 20;
            var value = stream.ReadByte();
            stream.Position = 20;
            stream.WriteByte((byte)(value ^ 0x10));
        }

        var verified = await _cli.RunAsync("archive", "verify", "wiki");
        Assert.Equal(ExitCodes.Failed, verified.ExitCode);
        Assert.Contains("DAMAGED", verified.Output, StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(pack), verified.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_that_an_archive_was_not_made_from_does_not_go_on_with_it()
    {
        var store = _cli.Root + "/store";
        foreach (var name in (string[])["one", "other"])
        {
            Directory.CreateDirectory($"{_cli.Root}/{name}");
            File.WriteAllText($"{_cli.Root}/{name}/page", name);
        }

        await _cli.RunAsync("archive", "dump", "--store", store, "--init", "blog", _cli.Root + "/one");
        var refused = await _cli.RunAsync("archive", "dump", "--store", store, "blog", _cli.Root + "/other");
        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        Assert.Equal("other", File.ReadAllText(_cli.Root + "/other/page"));
    }

    /// <summary>One epoch of a node: takes over, then a dump after each write.</summary>
    private void Dump(string node, long epoch, params (string File, string Text)[] writes)
    {
        using var content = LocalContent.Open(new ServiceArchive(_cli.Shared, "wiki"), _cli.Live, node, CaptureMode.Auto);
        Assert.IsType<TakeOverResult.Ready>(content.TakeOver(epoch, null, CancellationToken.None));
        Directory.CreateDirectory(_cli.Live);
        foreach (var (file, text) in writes)
        {
            File.WriteAllText(Path.Combine(_cli.Live, file), text);
            Assert.IsType<DumpResult.Committed>(content.Dump(epoch, CancellationToken.None));
        }
    }
}
