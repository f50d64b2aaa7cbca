using System.Diagnostics;
using ClusterFs.Content.Seeded;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Seeded;

/// <summary>What somebody changed on a node is not overwritten unseen, and its attributes stay.</summary>
public sealed class SeededEditsTests : IDisposable
{
    private readonly SeededBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void A_local_edit_is_reported_and_left_until_the_template_changes_and_then_kept_aside()
    {
        _bed.Write("one\n");
        var files = _bed.Start();
        SeededBed.Render(files);
        File.WriteAllText(_bed.Target, "mine\n");
        SeededBed.Render(files);
        Assert.Equal("mine\n", File.ReadAllText(_bed.Target));
        Assert.Equal(SeededCondition.Edited, SeededBed.StateOf(files).Condition);

        _bed.Write("two\n");
        SeededBed.Render(files);
        Assert.Equal(("two\n", "mine\n"), (File.ReadAllText(_bed.Target), File.ReadAllText(_bed.Kept(1))));
        Assert.Equal<string>([_bed.Kept(1)], SeededBed.StateOf(files).Kept);
        Assert.Contains((SeededNews.Kept, _bed.Target, _bed.Kept(1)), _bed.News);

        File.WriteAllText(_bed.Target, "mine again\n");
        var state = Assert.Single(files.Render("wiki", CancellationToken.None));
        Assert.Equal(("two\n", "mine again\n"), (File.ReadAllText(_bed.Target), File.ReadAllText(_bed.Kept(2))));
        Assert.Equal((SeededCondition.Current, 2), (state.Condition, state.Kept.Length));
        Assert.Equal(3, _bed.ReloadCount);
    }

    [Fact]
    public void What_was_there_before_the_first_rendering_is_kept_aside()
    {
        File.WriteAllText(_bed.Target, "of the package\n");
        _bed.Write("ours\n");
        SeededBed.Render(_bed.Start());
        Assert.Equal(("ours\n", "of the package\n"), (File.ReadAllText(_bed.Target), File.ReadAllText(_bed.Kept(1))));
    }

    [Fact]
    public void What_is_the_same_already_is_neither_replaced_nor_reloaded()
    {
        File.WriteAllText(_bed.Target, "same\n");
        var before = FileStatus.TryRead(_bed.Target);
        _bed.Write("same\n");
        var files = _bed.Start();
        SeededBed.Render(files);
        Assert.Equal((before, 0), (FileStatus.TryRead(_bed.Target), _bed.ReloadCount));
        Assert.Equal(SeededCondition.Current, SeededBed.StateOf(files).Condition);
    }

    [Fact]
    public void An_edit_that_came_while_the_new_one_was_swapped_in_is_kept_too()
    {
        _bed.Write("one\n");
        SeededBed.Render(_bed.Start());
        _bed.Write("two\n");
        SeededBed.Render(_bed.Start(reached: point =>
        {
            if (point == "intended")
            {
                File.WriteAllText(_bed.Target, "in between\n");
            }
        }));
        Assert.Equal(("two\n", "in between\n"), (File.ReadAllText(_bed.Target), File.ReadAllText(_bed.Kept(1))));
    }

    [Fact]
    public void A_file_that_somebody_made_in_between_is_kept_too()
    {
        _bed.Write("one\n");
        var files = _bed.Start(reached: point =>
        {
            if (point == "intended" && !File.Exists(_bed.Target))
            {
                File.WriteAllText(_bed.Target, "in between\n");
            }
        });
        SeededBed.Render(files);
        Assert.Equal("in between\n", File.ReadAllText(_bed.Target));
        files.Render(null, CancellationToken.None);
        Assert.Equal(("one\n", "in between\n"), (File.ReadAllText(_bed.Target), File.ReadAllText(_bed.Kept(1))));
    }

    [SkippableFact]
    public void Where_two_files_cannot_be_exchanged_an_edit_is_kept_as_well()
    {
        Skip.IfNot(Processes.IsRoot && File.Exists("/usr/bin/bindfs") && File.Exists("/dev/fuse"), "needs root, bindfs and /dev/fuse");
        var mount = Directory.CreateDirectory(Path.Combine(_bed.Root, "mount")).FullName;
        var below = Directory.CreateDirectory(Path.Combine(_bed.Root, "below")).FullName;
        using var server = Process.Start("/usr/bin/bindfs", ["-f", below, mount]);
        try
        {
            using var never = new ManualResetEventSlim();
            for (var waited = 0; FileStatus.TryRead(mount)!.Value.Device == FileStatus.TryRead(below)!.Value.Device && waited < 1000; waited++)
            {
                never.Wait(TimeSpan.FromMilliseconds(10));
            }

            using var bed = new SeededBed(Directory.CreateDirectory(Path.Combine(mount, "bed")).FullName);
            bed.Write("one\n");
            SeededBed.Render(bed.Start());
            File.WriteAllText(bed.Target, "mine\n");
            bed.Write("two\n");
            Skip.If(Durable.TryExchange(bed.Target, bed.Template) && Durable.TryExchange(bed.Target, bed.Template), "files can be exchanged here too");
            SeededBed.Render(bed.Start());
            Assert.Equal(("two\n", "mine\n"), (File.ReadAllText(bed.Target), File.ReadAllText(bed.Kept(1))));
            Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(bed.Kept(1))!));
        }
        finally
        {
            using var unmount = Process.Start("umount", [mount]);
            unmount.WaitForExit();
            server.WaitForExit();
        }
    }

    [SkippableFact]
    public void What_was_kept_aside_is_named_and_stays_when_its_directory_is_given_away()
    {
        Skip.IfNot(Processes.IsRoot, "only root may give files away");
        _bed.Write("one\n");
        var files = _bed.Start();
        SeededBed.Render(files);
        File.WriteAllText(_bed.Target, "mine\n");
        _bed.Write("two\n");
        SeededBed.Render(files);
        var place = Path.GetDirectoryName(_bed.Kept(1))!;
        FileAttribution.SetOwner(place, 12, 34);
        _bed.Write("three\n");
        SeededBed.Render(files);
        var state = SeededBed.StateOf(files);
        Assert.Equal<string>([_bed.Kept(1)], state.Kept);
        Assert.Equal(
            $"{_bed.Target}: {place} belongs to user 12, and the daemon is user 0; give it back (chown 0 {place}), or move it away; what was kept aside may be in it",
            state.Reason);
        Assert.Equal(("two\n", "mine\n"), (File.ReadAllText(_bed.Target), File.ReadAllText(_bed.Kept(1))));
    }

    [SkippableFact]
    public void Access_lists_and_other_attributes_are_as_they_were()
    {
        Skip.IfNot(Processes.IsRoot, "only root may give files away");
        File.WriteAllText(_bed.Target, "before\n");
        FileAttribution.SetMode(_bed.Target, 0x1A0);

        // Version 2; rw for the owner, r for user 12, for the group and as the mask, nothing for others.
        ExtendedAttribute[] attributes =
        [
            new("system.posix_acl_access", Convert.FromHexString("02000000" + "01000600FFFFFFFF" + "020004000C000000" + "04000400FFFFFFFF" + "10000400FFFFFFFF" + "20000000FFFFFFFF")),
            new("user.note", "n"u8.ToArray()),
        ];
        try
        {
            ExtendedAttributes.Write(_bed.Target, attributes);
        }
        catch (PosixException problem) when (problem.Error == PosixException.NotSupported)
        {
            Skip.If(true, "the file system has no extended attributes");
        }

        _bed.Write("one\n");
        SeededBed.Render(_bed.Start());
        Assert.Equal("one\n", File.ReadAllText(_bed.Target));
        Assert.Equal(
            attributes.Select(attribute => (attribute.Name, Convert.ToHexString(attribute.Value))),
            ExtendedAttributes.Read(_bed.Target).Select(attribute => (attribute.Name, Convert.ToHexString(attribute.Value))));

        // Where the mode is configured, it alone says who may read.
        SeededBed.Render(_bed.Start(file => file with { Mode = 0x180 }));
        Assert.Equal(["user.note"], ExtendedAttributes.Read(_bed.Target).Select(attribute => attribute.Name));
    }

    [Fact]
    public void An_attribute_that_changes_during_the_check_is_not_undone()
    {
        File.WriteAllText(_bed.Target, "before\n");
        FileAttribution.SetMode(_bed.Target, 0x1A4);
        _bed.Write("one\n");
        var files = _bed.Start(reached: point =>
        {
            if (point == "checked" && File.ReadAllText(_bed.Target) == "before\n")
            {
                FileAttribution.SetMode(_bed.Target, 0x180);
            }
        });
        SeededBed.Render(files);
        Assert.Contains("somebody has just changed its owner, mode or attributes", SeededBed.StateOf(files).Reason, StringComparison.Ordinal);
        files.Render(null, CancellationToken.None);
        Assert.Equal(("one\n", 0x180u), (File.ReadAllText(_bed.Target), FileStatus.TryRead(_bed.Target)!.Value.Mode));
    }

    [SkippableFact]
    public void Owner_and_mode_are_as_asked_for_or_as_they_were()
    {
        Skip.IfNot(Processes.IsRoot, "only root may give files away");
        File.WriteAllText(_bed.Target, "before\n");
        FileAttribution.SetOwner(_bed.Target, 12, 34);
        FileAttribution.SetMode(_bed.Target, 0x1A0);
        _bed.Write("one\n");
        SeededBed.Render(_bed.Start());
        Assert.Equal((0x1A0u, 12u, 34u), AttributesOf(_bed.Target));

        var files = _bed.Start(file => file with { Owner = "nobody", Group = "56", Mode = 0x180 });
        SeededBed.Render(files);
        Assert.Equal((0x180u, Accounts.FindUser("nobody")!.Value, 56u), AttributesOf(_bed.Target));
        Assert.Equal("owner or mode in the configuration changed", SeededBed.StateOf(files).RenderedBecause);

        FileAttribution.SetMode(_bed.Target, 0x1FF);
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Edited, SeededBed.StateOf(files).Condition);
        Assert.Equal(
            "owner and mode 65534:56 0777 become 65534:56 0600\n", Assert.Single(files.Compare(null)).Diff);
        files.Render(null, CancellationToken.None);
        Assert.Equal(0x180u, AttributesOf(_bed.Target).Mode);

        var unknown = _bed.Start(file => file with { Owner = "noboddy" });
        SeededBed.Render(unknown);
        Assert.Equal($"{_bed.Target}: there is no user noboddy on this node; make it, or change 'owner'", SeededBed.StateOf(unknown).Reason);
    }

    [Fact]
    public void A_record_that_is_damaged_costs_nothing_that_was_there()
    {
        _bed.Write("one\n");
        SeededBed.Render(_bed.Start());
        File.WriteAllText(Assert.Single(Directory.GetFiles(Path.Combine(_bed.Root, "state", "seeded"))), "{ \"file\": 3");
        File.WriteAllText(_bed.Target, "mine\n");
        SeededBed.Render(_bed.Start());

        // At the first rendering, because it may not have been told of that, and at the second.
        Assert.Equal(("one\n", "mine\n", 3), (File.ReadAllText(_bed.Target), File.ReadAllText(_bed.Kept(1)), _bed.ReloadCount));
    }

    private static (uint Mode, uint User, uint Group) AttributesOf(string path)
    {
        var status = FileStatus.TryRead(path)!.Value;
        return (status.Mode, status.User, status.Group);
    }
}
