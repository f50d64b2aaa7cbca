using ClusterFs.Archive;
using ClusterFs.Configuration;
using ClusterFs.Content.Static;
using ClusterFs.Content.Tests.Seeded;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Static;

public sealed class StaticPublishTests : IDisposable
{
    private readonly StaticBed _bed = new(cache: CacheKind.None);

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void A_directory_becomes_a_generation_with_its_files_as_they_are()
    {
        _bed.Write("index.html", "one");
        _bed.Write("a/deep/page.html", "deep");
        File.CreateSymbolicLink(Path.Combine(_bed.Source, "link"), "index.html");
        var result = _bed.Publish();
        Assert.Equal((true, 1L, 2L), (result.IsNew, result.Generation.Number, result.Generation.Content.Files));
        Assert.Empty(result.Warnings);
        var tree = _bed.Store().FindTree(result.Generation)!;
        Assert.Equal(("one", "deep"), (File.ReadAllText(Path.Combine(tree, "link")), File.ReadAllText(Path.Combine(tree, "a/deep/page.html"))));
        Assert.Equal("wiki/www", _bed.Store().Archive.Service);
    }

    [Fact]
    public void What_has_not_changed_is_no_new_generation_and_is_not_stored_again()
    {
        _bed.Write("a", "one");
        _bed.Write("b", new string('x', 100_000));
        var first = _bed.Publish().Generation;
        var again = _bed.Publish();
        Assert.Equal((false, first), (again.IsNew, again.Generation));

        // From another node, that knows nothing of its files.
        Assert.False(_bed.Publish(node: "n2").IsNew);
        _bed.Write("a", "two");
        var next = _bed.Publish();
        Assert.Equal((true, 1L), (next.IsNew, next.Changed));
        Assert.InRange(next.Generation.Content.StoredBytes, 1, 5_000);
    }

    [Fact]
    public void An_unchanged_file_is_one_file_in_all_generations_and_nobody_may_write_it()
    {
        _bed.Write("same", "same");
        _bed.Write("other", "one");
        var first = _bed.Publish().Generation;
        _bed.Write("other", "two");
        var second = _bed.Publish().Generation;
        var (one, two) = (InTree(first, "same"), InTree(second, "same"));
        Assert.Equal((one.Inode, 2u, 0x124u), (two.Inode, two.Links, two.Mode));
        Assert.NotEqual(InTree(first, "other").Inode, InTree(second, "other").Inode);
        Assert.Equal(("one", "two"), (TextOf(first, "other"), TextOf(second, "other")));
    }

    [Fact]
    public void A_file_that_was_deleted_or_renamed_is_a_change_and_one_that_was_only_touched_is_none()
    {
        _bed.Write("a", "a");
        _bed.Write("b", "b");
        _bed.Publish();
        File.Delete(Path.Combine(_bed.Source, "a"));
        Assert.Equal(1, _bed.Publish().Changed);
        File.Move(Path.Combine(_bed.Source, "b"), Path.Combine(_bed.Source, "c"));
        Assert.Equal(2, _bed.Publish().Changed);
        File.SetLastWriteTimeUtc(Path.Combine(_bed.Source, "c"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.False(_bed.Publish().IsNew);
    }

    [Fact]
    public void A_large_file_is_published_in_pages()
    {
        var bytes = new byte[5 << 20];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(Path.Combine(_bed.Source, "large"), bytes);
        _bed.Publish();
        bytes[4_000_000]++;
        File.WriteAllBytes(Path.Combine(_bed.Source, "large"), bytes);
        var next = _bed.Publish().Generation;
        Assert.InRange(next.Content.StoredBytes, 1, 100_000);
        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(_bed.Store().FindTree(next)!, "large")));
    }

    [Fact]
    public void A_missing_source_is_one_clear_error_and_changes_nothing()
    {
        _bed.Write("a", "a");
        _bed.Publish();
        var before = Listing();
        Directory.Delete(_bed.Source, recursive: true);
        Assert.Equal($"there is no directory {_bed.Source}; nothing is published", Assert.Throws<StaticException>(() => _bed.Publish()).Message);
        File.WriteAllText(_bed.Source, "a file");
        Assert.Equal(
            $"{_bed.Source} is no directory; name the directory whose content is to be published", Assert.Throws<StaticException>(() => _bed.Publish()).Message);
        File.Delete(_bed.Source);
        Directory.CreateDirectory(_bed.Source);
        Assert.Equal(before, Listing());
    }

    [Fact]
    public void Where_shared_storage_is_away_it_is_one_clear_error_and_nothing_is_made_in_its_place()
    {
        _bed.Write("a", "a");
        Directory.Delete(Path.Combine(_bed.Shared, "clusterfs"), recursive: true);
        var problem = Assert.Throws<SharedStorageException>(() => _bed.Publish());
        Assert.Contains("clusterfs is missing. Mount the shared storage", problem.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_bed.Shared));
    }

    [Theory]
    [InlineData("changed")]
    [InlineData("made")]
    [InlineData("deleted")]
    public void A_directory_that_somebody_writes_meanwhile_is_refused(string how)
    {
        _bed.Write("a", "a");
        _bed.Write("b", "b");
        var problem = Assert.Throws<StaticException>(() => _bed.Publish(point =>
        {
            if (point == "read")
            {
                switch (how)
                {
                    case "changed":
                        _bed.Write("a", "another");
                        break;
                    case "made":
                        _bed.Write("c", "c");
                        break;
                    default:
                        File.Delete(Path.Combine(_bed.Source, "b"));
                        break;
                }
            }
        }));
        Assert.EndsWith("publish when nobody writes there; nothing is published", problem.Message, StringComparison.Ordinal);
        Assert.Empty(_bed.Store().List(CancellationToken.None).Generations);
    }

    [Fact]
    public async Task Of_two_nodes_that_publish_at_once_both_are_there_one_after_the_other()
    {
        for (var round = 1; round <= 5; round++)
        {
            // Both have stored all they have, and neither has committed it.
            using var ready = new Barrier(2);
            void Wait(string point)
            {
                if (point == "tree written")
                {
                    Assert.True(ready.SignalAndWait(TimeSpan.FromSeconds(30)));
                }
            }

            var (one, two) = (NewSource($"one {round}"), NewSource($"two {round}"));
            var results = await Task.WhenAll(
                Task.Factory.StartNew(() => PublishFrom(one, "n1", Wait), TaskCreationOptions.LongRunning),
                Task.Factory.StartNew(() => PublishFrom(two, "n2", Wait), TaskCreationOptions.LongRunning));
            var numbers = results.Select(result => result.Generation.Number).Order().ToList();
            var listed = _bed.Store().List(CancellationToken.None).Generations;
            Assert.Equal(2 * round, listed.Count);
            Assert.Equal(numbers, listed.TakeLast(2).Select(generation => generation.Number));
            Assert.Equal(
                new[] { $"one {round}", $"two {round}" }, results.Select(result => TextOf(result.Generation, "index.html")).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void A_rollback_is_a_new_generation_with_the_files_of_the_old_one()
    {
        _bed.Write("a", "one");
        var first = _bed.Publish().Generation;
        _bed.Write("a", "two");
        var second = _bed.Publish().Generation;
        var back = _bed.Store().Rollback(null, "n1", CancellationToken.None);
        Assert.True(back.Number > second.Number);
        Assert.Equal((first.Files, "one"), (back.Files, TextOf(back, "a")));
        var again = _bed.Store().Rollback(second.Number, "n1", CancellationToken.None);
        Assert.Equal("two", TextOf(again, "a"));
        Assert.Contains("has the files of generation", Assert.Throws<StaticException>(() => _bed.Store().Rollback(again.Number, "n1", CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.StartsWith("wiki/www: there is no generation 99; there are 1, 2, 3, 4", Assert.Throws<StaticException>(() => _bed.Store().Rollback(99, "n1", CancellationToken.None)).Message, StringComparison.Ordinal);

        // What is published on top of a rollback is compared with that.
        Assert.False(_bed.Publish().IsNew);
    }

    [Fact]
    public void Only_so_many_generations_stay_and_every_one_of_them_is_whole()
    {
        for (var number = 1; number <= 20; number++)
        {
            _bed.Write("a", $"a{number}");
            _bed.Write($"b{number}", $"b{number}");
            _bed.Publish();
            _bed.Store().Prune(3, _bed.Nodes, CancellationToken.None);
        }

        var listed = _bed.Store().List(CancellationToken.None).Generations;
        Assert.Equal(["a18", "a19", "a20"], listed.Select(generation => TextOf(generation, "a")));
        var archive = new StaticStore(new SharedSettings(_bed.Shared), "wiki", "www", TimeProvider.System).Archive;
        Assert.All(listed, generation => Assert.Empty(archive.Verify(generation.Content, CancellationToken.None).Damages));
        Assert.Contains("there is no generation 1;", Assert.Throws<StaticException>(() => _bed.Store().Rollback(1, "n1", CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_published_is_remembered_when_the_next_publication_starts()
    {
        _bed.Write("a", "a");
        _bed.Publish();
        var state = Path.Combine(_bed.Root, "n1", "state");
        var remembered = File.ReadAllBytes(Assert.Single(Directory.EnumerateFiles(state, "*", SearchOption.AllDirectories), IsIndex));
        using var memory = PublishMemory.Open(state, _bed.Source);
        Assert.Equal(remembered, File.ReadAllBytes(Assert.Single(Directory.EnumerateFiles(state, "*", SearchOption.AllDirectories), IsIndex)));

        static bool IsIndex(string file) => Path.GetFileName(file) == "index";
    }

    [Fact]
    public void What_a_node_serves_or_that_leads_there_is_not_published()
    {
        _bed.Write("index.html", "one");
        _bed.Publish();
        _bed.Follow().Dispose();
        Refused(_bed.Served());
        Refused(Path.GetDirectoryName(_bed.Served())!);
        _bed.Settings = _bed.Settings with { Cache = CacheKind.Local };
        _bed.Follow().Dispose();
        Refused(_bed.Served());
        var other = NewSource("two");
        File.CreateSymbolicLink(Path.Combine(other, "old.html"), Path.Combine(_bed.Store().Trees, "x", "index.html"));
        Refused(other);
        Assert.Single(_bed.Store().List(CancellationToken.None).Generations);

        void Refused(string source) => Assert.EndsWith(
            "published from",
            Assert.Throws<StaticException>(() => PublishFrom(source, "n1", _ => { })).Message.Replace("that was published before; nothing is published", "published from", StringComparison.Ordinal)
                .Replace("publish a directory elsewhere", "published from", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_directory_is_not_published_by_mistake_and_a_link_that_leads_out_is_told_of()
    {
        Assert.Contains("is empty", Assert.Throws<StaticException>(() => _bed.Publish()).Message, StringComparison.Ordinal);
        _bed.Write("a/page", "page");
        File.CreateSymbolicLink(Path.Combine(_bed.Source, "a", "fine"), "../a/page");
        Assert.Empty(_bed.Publish().Warnings);
        File.CreateSymbolicLink(Path.Combine(_bed.Source, "a", "out"), "../../shared.css");
        Assert.Contains("a/out is a link that leads out", Assert.Single(_bed.Publish().Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_stored_stays_when_it_is_not_certain_that_its_record_was_not_written()
    {
        _bed.Write("a", "one");
        var packs = Path.Combine(_bed.Store().Root, "packs");
        Assert.ThrowsAny<IOException>(() => _bed.Publish(point => _ = point == "claimed" ? throw new IOException("the storage went away") : 0));
        Assert.NotEmpty(Directory.EnumerateFiles(packs, "*.pack"));
        var before = Directory.EnumerateFiles(packs, "*.pack").Count();
        Assert.ThrowsAny<IOException>(() => _bed.Publish(point => _ = point == "tree written" ? throw new IOException("the storage went away") : 0));
        Assert.Equal(before, Directory.EnumerateFiles(packs, "*.pack").Count());
    }

    [Fact]
    public void The_files_can_be_read_by_others_whatever_the_umask_of_who_publishes_first()
    {
        _bed.Write("index.html", "one");
        Assert.Equal(0, Child.RunShell($"umask 077; exec \"$0\" publish {_bed.Root} none"));
        for (var directory = Path.Combine(_bed.Store().Trees); directory != Path.Combine(_bed.Shared, "clusterfs"); directory = Path.GetDirectoryName(directory)!)
        {
            Assert.Equal((directory, (UnixFileMode)0x1ED), (directory, File.GetUnixFileMode(directory)));
        }

        Assert.Equal((UnixFileMode)0x1C0, File.GetUnixFileMode(Path.Combine(_bed.Store().Root, "packs")));
    }

    private string NewSource(string text)
    {
        var source = Path.Combine(_bed.Root, Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(source);
        File.WriteAllText(Path.Combine(source, "index.html"), text);
        return source;
    }

    private PublishResult PublishFrom(string source, string node, Action<string> reached) =>
        new StaticPublisher(_bed.Store(reached), node, Path.Combine(_bed.Root, node, "state")).Publish(source, asFiles: true, allowEmpty: false, null, CancellationToken.None);

    private FileStatus InTree(Generation generation, string path) => FileStatus.TryRead(Path.Combine(_bed.Store().FindTree(generation)!, path))!.Value;

    private string TextOf(Generation generation, string path) => File.ReadAllText(Path.Combine(_bed.Store().FindTree(generation)!, path));

    private List<string> Listing() => Directory.EnumerateFileSystemEntries(_bed.Shared, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
}
