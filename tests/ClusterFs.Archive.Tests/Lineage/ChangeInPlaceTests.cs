using System.Text;
using System.IO.MemoryMappedFiles;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>Content of which little differs is changed in place: whatever happens meanwhile, it is the old or the new one, whole.</summary>
public sealed class ChangeInPlaceTests : IDisposable
{
    private readonly TestBed _bed = new();
    private readonly StaleTree _stale;

    public ChangeInPlaceTests() => _stale = new StaleTree(_bed);

    [Fact]
    public void The_same_tree_becomes_the_other_dump_and_back()
    {
        var tree = FileStatus.TryRead(_stale.Live)!.Value.Inode;
        var db = FileStatus.TryRead(_stale.In("n3", "db"))!.Value.Inode;

        _stale.Restore(_stale.New);
        Assert.Equal(_stale.NewState, _stale.State);
        _stale.Restore(_stale.Old);
        Assert.Equal(_stale.OldState, _stale.State);

        Assert.Equal(tree, FileStatus.TryRead(_stale.Live)!.Value.Inode);
        Assert.Equal(db, FileStatus.TryRead(_stale.In("n3", "db"))!.Value.Inode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_stale.Changing));
    }

    /// <summary>Otherwise the next dump would read it all.</summary>
    [Fact]
    public void What_was_changed_is_known_by_its_identity()
    {
        _stale.Restore(_stale.New);

        var rows = LocalIndex.TryOpen(Path.Combine(_bed.MarkerOf("n3"), "index"))!.Read().ToDictionary(row => row.Entry.Path);
        Assert.All((string[])["db", "page", "new/deep/file"], path => Assert.Equal(
            (true, FileIdentity.Of(FileStatus.TryRead(_stale.In("n3", path))!.Value)), (rows[path].Settled, rows[path].Identity)));
    }

    [Theory]
    [MemberData(nameof(StaleTree.Points), MemberType = typeof(StaleTree))]
    public void Cut_short_it_is_the_new_content_from_when_it_was_begun(string point, bool isNew)
    {
        _stale.Restore(_stale.New, point);

        // Whoever looks meanwhile finds one of them, or nothing.
        Assert.True(FileStatus.TryRead(_stale.Live) is null || _stale.State == _stale.OldState || _stale.State == _stale.NewState);
        _stale.Recover();

        Assert.Equal(isNew ? _stale.NewState : _stale.OldState, _stale.State);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_stale.Changing));
        _stale.Restore(_stale.Old);
        Assert.Equal(_stale.OldState, _stale.State);
    }

    /// <summary>A machine may go down again and again.</summary>
    [Fact]
    public void What_was_cut_short_is_cut_short_again_and_comes_out_right()
    {
        _stale.Restore(_stale.New, "changed");
        foreach (var point in (string[])["changed", "changed", "written", "moved back"])
        {
            _stale.Restore(_stale.Old, point);
        }

        _stale.Recover();

        Assert.Equal(_stale.NewState, _stale.State);
    }

    [Theory]
    [InlineData("written")]
    [InlineData("moved back")]
    public void What_is_written_to_the_new_content_is_not_undone(string point)
    {
        _stale.Restore(_stale.New, point);
        if (point == "written")
        {
            Directory.Move(_stale.Tree, _stale.Live);
        }

        WriteToDatabase("by somebody who did not wait");

        var state = _stale.State;
        _stale.Recover();

        Assert.Equal(state, _stale.State);
    }

    /// <summary>Somebody starts the service on content that was announced to be changed, and was not.</summary>
    [Fact]
    public void What_is_written_to_content_before_it_is_changed_stays_and_nothing_else_changes()
    {
        _stale.Restore(_stale.New, "announced");
        Assert.Equal(_stale.OldState, _stale.State);
        WriteToDatabase("by the service, which was started");

        var state = _stale.State;
        _stale.Recover();

        Assert.Equal(state, _stale.State);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_stale.Changing));
        _stale.Restore(_stale.New);
        Assert.Equal(_stale.NewState, _stale.State);
    }

    /// <summary>By somebody who misses it there. It is not taken for the old content.</summary>
    [Theory]
    [InlineData("begun")]
    [InlineData("changed")]
    public void Half_changed_content_that_was_moved_back_is_refused(string point)
    {
        _stale.Restore(_stale.New, point);
        Directory.Move(_stale.Tree, _stale.Live);

        var refused = Assert.Throws<LocalContentException>(_stale.Recover);

        Assert.Contains($"Move it to {_stale.Tree}", refused.Message, StringComparison.Ordinal);
        Directory.Move(_stale.Live, _stale.Tree);
        _stale.Recover();
        Assert.Equal(_stale.NewState, _stale.State);
    }

    [Fact]
    public void Content_that_cannot_be_moved_away_is_built_anew()
    {
        var before = FileStatus.TryRead(_stale.Live)!.Value.Inode;
        _stale.Restore(_stale.New, null, at =>
        {
            if (at == "announced")
            {
                Directory.CreateDirectory(_stale.Tree);
            }
        });

        Assert.Equal(_stale.NewState, _stale.State);
        Assert.NotEqual(before, FileStatus.TryRead(_stale.Live)!.Value.Inode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_stale.Changing));
    }

    /// <summary>A process of the old service that lived on, or that has only its memory of the file.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Whoever_has_a_large_file_open_has_no_part_in_the_new_content(bool onlyMapped, bool afterCrash)
    {
        if (afterCrash)
        {
            _stale.Restore(_stale.New, "begun");
        }

        var path = afterCrash ? Path.Combine(_stale.Tree, "db") : _stale.In("n3", "db");
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        using var map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: !onlyMapped);
        using var view = map.CreateViewAccessor();
        if (onlyMapped)
        {
            file.Dispose();
        }

        if (afterCrash)
        {
            _stale.Recover();
        }
        else
        {
            _stale.Restore(_stale.New);
        }

        view.Write(6000, (byte)77);
        view.Write(2 << 20, (byte)77);
        view.Flush();
        Assert.Equal(_stale.NewState, _stale.State);
        file.Dispose();
    }

    [Theory]
    [InlineData("moved away", false)]
    [InlineData("begun", true)]
    [InlineData("written", true)]
    public void What_appeared_at_the_live_path_stays_and_is_named(string point, bool isNew)
    {
        _stale.Restore(_stale.New, point);
        _bed.Write("n3", "file", "of somebody else");

        for (var i = 0; i < 2; i++)
        {
            var refused = Assert.Throws<LocalContentException>(_stale.Recover);
            Assert.Contains($"{_stale.Live} has appeared", refused.Message, StringComparison.Ordinal);
            Assert.Equal("of somebody else", _bed.Read("n3", "file"));
        }

        Directory.Move(_stale.Live, _bed.Scratch("elsewhere"));
        _stale.Recover();
        Assert.Equal(isNew ? _stale.NewState : _stale.OldState, _stale.State);
    }

    /// <summary>An empty directory, as service managers make one, would be replaced by a rename without a word.</summary>
    [Fact]
    public void So_does_an_empty_directory()
    {
        _stale.Restore(_stale.New, "written");
        Directory.CreateDirectory(_stale.Live);

        Assert.Contains("has appeared", Assert.Throws<LocalContentException>(_stale.Recover).Message, StringComparison.Ordinal);

        Directory.Delete(_stale.Live);
        _stale.Recover();
        Assert.Equal(_stale.NewState, _stale.State);
    }

    [Theory]
    [InlineData("begun")]
    [InlineData("pages")]
    public void A_damaged_file_of_it_is_refused_by_its_name_and_nothing_is_changed(string name)
    {
        _stale.Restore(_stale.New, "begun");
        var file = Path.Combine(_stale.Changing, name);
        var whole = File.ReadAllBytes(file);
        for (var offset = 0L; offset < whole.Length; offset += 1 + (whole.Length / 25))
        {
            TestBed.FlipBit(file, offset);

            var refused = Assert.Throws<LocalContentException>(_stale.Recover);

            Assert.Contains($"{file} is damaged", refused.Message, StringComparison.Ordinal);
            Assert.Equal(_stale.OldState, TestBed.Describe(_stale.Tree));
            TestBed.FlipBit(file, offset);
        }

        _stale.Recover();
        Assert.Equal(_stale.NewState, _stale.State);
    }

    /// <summary>Whichever file is missing, the message says so, and where the content is, and what can be done.</summary>
    [Theory]
    [InlineData("begun", "begun is damaged")]
    [InlineData("pages", "pages is damaged")]
    [InlineData("0 1 2 3 4 5 6 7 8 9", "is gone, which was to become")]
    public void A_missing_file_of_it_is_named(string names, string why)
    {
        _stale.Restore(_stale.New, "begun");
        var away = _bed.Scratch("away");
        var files = names.Split(' ').Where(name => FileStatus.TryRead(Path.Combine(_stale.Changing, name)) is not null).ToList();
        Directory.CreateDirectory(away);
        files.ForEach(name => File.Move(Path.Combine(_stale.Changing, name), Path.Combine(away, name)));

        var refused = Assert.Throws<LocalContentException>(_stale.Recover);

        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.Contains($"in {_stale.Tree}", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"move {_stale.Changing} elsewhere", refused.Message, StringComparison.Ordinal);
        files.ForEach(name => File.Move(Path.Combine(away, name), Path.Combine(_stale.Changing, name)));
        _stale.Recover();
        Assert.Equal(_stale.NewState, _stale.State);
    }

    /// <summary>As its message says.</summary>
    [Fact]
    public void One_that_cannot_go_on_is_given_up_and_restored_anew()
    {
        _stale.Restore(_stale.New, "changed");
        File.Delete(Path.Combine(_stale.Changing, "begun"));
        var refused = Assert.Throws<LocalContentException>(_stale.Recover);
        Assert.Contains($"move {_stale.Changing} elsewhere", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"delete {Path.Combine(_bed.MarkerOf("n3"), "lineage.json")}", refused.Message, StringComparison.Ordinal);

        Directory.Move(_stale.Changing, _bed.Scratch("elsewhere"));
        File.Delete(Path.Combine(_bed.MarkerOf("n3"), "lineage.json"));

        _stale.Restore(_stale.Old);
        Assert.Equal(_stale.OldState, _stale.State);
    }

    /// <summary>It may be all there is of the content.</summary>
    [Theory]
    [InlineData("moved away")]
    [InlineData("begun")]
    [InlineData("written")]
    public void The_tree_is_not_deleted_by_whoever_does_not_believe_the_marker(string point)
    {
        _stale.Restore(_stale.New, point);
        var marker = Path.Combine(_bed.MarkerOf("n3"), "lineage.json");
        var whole = File.ReadAllBytes(marker);
        var tree = TestBed.Describe(_stale.Tree);

        Refuse("n4", $"for {TestBed.Service} on n3");
        TestBed.FlipBit(marker, whole.Length / 2);
        Refuse("n3", "missing or damaged");
        File.Delete(marker);
        Refuse("n3", "missing or damaged");
        File.WriteAllBytes(marker, SealedJson.Write(
            new LineageMarker(TestBed.Service, "n3") { Format = 3 }, MarkerJson.Default.LineageMarker));
        Refuse("n3", "another version");

        File.WriteAllBytes(marker, whole);
        _stale.Recover();
        Assert.Equal(point == "moved away" ? _stale.OldState : _stale.NewState, _stale.State);

        void Refuse(string node, string why)
        {
            using var content = LocalContent.Open(_bed.Archive, _stale.Live, node, CaptureMode.Auto);
            foreach (var action in (Action[])[
                () => content.RestoreOver(_stale.Old, null, CancellationToken.None),
                () => content.TakeOver(7, null, CancellationToken.None),
                () => content.DropStandby(CancellationToken.None)])
            {
                var refused = Assert.Throws<LocalContentException>(action);
                Assert.Contains($"{_stale.Tree} holds", refused.Message, StringComparison.Ordinal);
                Assert.Contains(why, refused.Message, StringComparison.Ordinal);
                Assert.Equal(tree, TestBed.Describe(_stale.Tree));
            }
        }
    }

    /// <summary>Neither the plan, which says that nothing was begun, nor what says that all is done.</summary>
    [Theory]
    [InlineData("announced")]
    [InlineData("moved back")]
    public void Nothing_is_deleted_by_whoever_does_not_believe_the_marker(string point)
    {
        _stale.Restore(_stale.New, point);
        using (var content = LocalContent.Open(_bed.Archive, _stale.Live, "n4", CaptureMode.Auto))
        {
            var refused = Assert.Throws<LocalContentException>(() => content.RestoreOver(_stale.Old, null, CancellationToken.None));
            Assert.Contains($"for {TestBed.Service} on n3", refused.Message, StringComparison.Ordinal);
        }

        _stale.Recover();
        Assert.Equal(point == "announced" ? _stale.OldState : _stale.NewState, _stale.State);
    }

    /// <summary>A daemon keeps what it has opened.</summary>
    [Fact]
    public void One_that_is_given_up_is_restored_anew_by_the_process_that_began_it()
    {
        var cut = "changed";
        using var content = _bed.Open("n3", reached =>
        {
            if (reached == cut)
            {
                throw new OperationCanceledException(reached);
            }
        });
        Assert.Throws<OperationCanceledException>(() => content.RestoreOver(_stale.New, null, CancellationToken.None));
        cut = string.Empty;
        Directory.Move(_stale.Changing, _bed.Scratch("elsewhere"));
        Assert.Throws<LocalContentException>(() => content.RestoreOver(_stale.New, null, CancellationToken.None));
        File.Delete(Path.Combine(_bed.MarkerOf("n3"), "lineage.json"));

        content.RestoreOver(_stale.New, null, CancellationToken.None);
        Assert.Equal(_stale.NewState, _stale.State);
    }

    [Fact]
    public void Damage_of_the_archive_is_found_before_anything_is_changed()
    {
        var pack = _bed.PackOf(_stale.New.Content);
        var whole = File.ReadAllBytes(pack);
        var found = 0;
        for (var offset = 0L; offset < whole.Length; offset += 1 + (whole.Length / 40))
        {
            TestBed.FlipBit(pack, offset);
            try
            {
                _stale.Restore(_stale.New);
                Assert.Equal(_stale.NewState, _stale.State);
                _stale.Restore(_stale.Old);
            }
            catch (DamagedArchiveException)
            {
                found++;
            }

            Assert.Equal(_stale.OldState, _stale.State);
            TestBed.FlipBit(pack, offset);
        }

        Assert.True(found > 5, $"{found} of the damages were met");
    }

    /// <summary>To an earlier version the content counts for nothing while it is being changed, instead of for what it was.</summary>
    [Fact]
    public void Only_versions_that_can_complete_it_believe_the_marker_meanwhile()
    {
        var marker = Path.Combine(_bed.MarkerOf("n3"), "lineage.json");
        _stale.Restore(_stale.New, "begun");
        Assert.Contains("\"format\": 2", File.ReadAllText(marker), StringComparison.Ordinal);
        _stale.Recover();
        Assert.False(File.Exists(marker));
    }

    [Fact]
    public void Changes_after_a_takeover_in_place_are_in_the_next_dump_and_nothing_else_is()
    {
        _bed.On("n2", content => content.RestoreOver(_stale.Old, null, CancellationToken.None));
        var tree = FileStatus.TryRead(_bed.Live("n2"))!.Value.Inode;
        var ready = _bed.TakeOver("n2", 2);
        Assert.Equal(tree, FileStatus.TryRead(_bed.Live("n2"))!.Value.Inode);
        Assert.Equal(ContentBasis.Restored, ready.Basis);
        Assert.Equal(_stale.NewState, TestBed.Describe(_bed.Live("n2")));
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n2", content => content.Dump(2, CancellationToken.None)));
        foreach (var path in (string[])["same", "page", "db", "was file/file"])
        {
            var file = _stale.In("n2", path);
            var before = FileStatus.TryRead(file)!.Value.ModifiedNs;
            using (var stream = new FileStream(file, FileMode.Open))
            {
                stream.WriteByte((byte)'X');
            }

            FileAttribution.SetModified(file, before);
            var dump = _bed.Dump("n2", 2);
            Assert.Equal(TestBed.Describe(_bed.Live("n2")), TestBed.Describe(_bed.Restored(dump)));
        }
    }

    [Fact]
    public void Content_with_a_second_name_elsewhere_is_not_changed_there()
    {
        var outside = _bed.Scratch("outside");
        Assert.True(Durable.TryLink(_stale.In("n3", "db"), outside));
        var before = TestBed.DigestOf(outside);

        _stale.Restore(_stale.New);

        Assert.Equal(_stale.NewState, _stale.State);
        Assert.Equal(before, TestBed.DigestOf(outside));
        Assert.Equal(1u, FileStatus.TryRead(_stale.In("n3", "db"))!.Value.Links);
    }

    private void WriteToDatabase(string words)
    {
        using var file = new FileStream(_stale.In("n3", "db"), FileMode.Open);
        file.Position = 5000;
        file.Write(Encoding.UTF8.GetBytes(words));
    }

    public void Dispose() => _bed.Dispose();
}
