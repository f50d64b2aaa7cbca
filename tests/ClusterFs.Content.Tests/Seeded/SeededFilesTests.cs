using System.Diagnostics;
using System.Net.Sockets;
using ClusterFs.Configuration;
using ClusterFs.Content.Seeded;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Seeded;

public sealed class SeededFilesTests : IDisposable
{
    private readonly SeededBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void A_template_is_rendered_for_the_node_and_reloaded_once()
    {
        _bed.Write("host %HOSTNAME%\nnode %NODE% at %ADDRESS%\nof %SERVICE%: %DOMAIN%, 100%%\n");
        var files = _bed.Start(variables: new() { ["DOMAIN"] = "wiki.example.org" });
        Assert.Equal(SeededCondition.Unknown, SeededBed.StateOf(files).Condition);
        SeededBed.Render(files);
        SeededBed.Render(files);
        Assert.Equal(
            $"host {System.Net.Dns.GetHostName()}\nnode n1 at 127.0.0.1\nof wiki: wiki.example.org, 100%\n", File.ReadAllText(_bed.Target));
        Assert.Equal(1, _bed.ReloadCount);
        Assert.Equal(0x1A4u, FileStatus.TryRead(_bed.Target)!.Value.Mode);
        var state = SeededBed.StateOf(files);
        Assert.Equal((SeededCondition.Current, null, "it was never rendered here"), (state.Condition, state.Reason, state.RenderedBecause));
        Assert.False(Directory.Exists(Path.GetDirectoryName(_bed.Kept(1))));
        Assert.Equal([SeededNews.Rendered, SeededNews.Reloaded], _bed.News.Select(news => news.News));
    }

    [Fact]
    public void It_is_rendered_again_only_when_something_changed()
    {
        _bed.Write("a %NODE%\n");
        var files = _bed.Start();
        SeededBed.Render(files);
        var before = FileStatus.TryRead(_bed.Target);
        SeededBed.Render(_bed.Start());
        File.SetLastWriteTimeUtc(_bed.Template, DateTime.UnixEpoch);
        SeededBed.Render(files);
        Assert.Equal(before, FileStatus.TryRead(_bed.Target));
        Assert.Equal(1, _bed.ReloadCount);

        _bed.Write("b %NODE%\n");
        Assert.True(files.RenderDue(CancellationToken.None), "what was just changed is looked at once more before it is used");
        Assert.Equal("a n1\n", File.ReadAllText(_bed.Target));
        SeededBed.Render(files);
        Assert.Equal("b n1\n", File.ReadAllText(_bed.Target));
        Assert.Equal("the template changed", SeededBed.StateOf(files).RenderedBecause);
        Assert.Equal(2, _bed.ReloadCount);
    }

    [Fact]
    public void A_value_that_changed_is_the_reason()
    {
        _bed.Write("%WORKERS% %OTHER%\n");
        SeededBed.Render(_bed.Start(variables: new() { ["WORKERS"] = "2", ["OTHER"] = "x", ["UNUSED"] = "1" }));
        var files = _bed.Start(variables: new() { ["WORKERS"] = "4", ["OTHER"] = "x", ["UNUSED"] = "2" });
        SeededBed.Render(files);
        Assert.Equal("4 x\n", File.ReadAllText(_bed.Target));
        Assert.Equal("%WORKERS% changed", SeededBed.StateOf(files).RenderedBecause);
    }

    [Fact]
    public void A_node_has_its_own_values_where_the_site_gives_it_some()
    {
        _bed.Write("%DOMAIN% %WORKERS%\n");
        SeededBed.Render(_bed.StartAll(
            [_bed.SeededFile],
            new() { ["DOMAIN"] = "example.org", ["WORKERS"] = "2" },
            nodes: new() { ["n1"] = new() { ["WORKERS"] = "8" }, ["n2"] = new() { ["DOMAIN"] = "other" } }));
        Assert.Equal("example.org 8\n", File.ReadAllText(_bed.Target));
    }

    [Fact]
    public void A_rendering_that_the_check_refuses_changes_nothing_and_says_what_was_printed()
    {
        _bed.Write("good\n");
        var files = _bed.Start(file => file with { Check = "grep -q good \"$CLUSTERFS_STAGED\" || { echo \"$CLUSTERFS_FILE is bad on $CLUSTERFS_NODE\"; exit 3; }" });
        SeededBed.Render(files);
        var before = FileStatus.TryRead(_bed.Target);
        _bed.Write("wrong\n");
        SeededBed.Render(files);
        Assert.Equal(before, FileStatus.TryRead(_bed.Target));
        Assert.Equal(1, _bed.ReloadCount);
        var state = SeededBed.StateOf(files);
        Assert.Equal(
            (SeededCondition.Stale, $"{_bed.Target}: the check refused what was rendered, so the file stays as it was: exit code 3: {_bed.Target} is bad on n1"),
            (state.Condition, state.Reason));
        SeededBed.Render(files);
        Assert.Single(_bed.News, news => news.News == SeededNews.Failed);
        _bed.Write("good again\n");
        SeededBed.Render(files);
        Assert.Equal("good again\n", File.ReadAllText(_bed.Target));
        Assert.Equal(SeededCondition.Current, SeededBed.StateOf(files).Condition);
    }

    [Fact]
    public void A_check_has_a_time_limit_and_may_not_change_what_it_checks()
    {
        _bed.Write("x\n");
        var hanging = _bed.Start(file => file with { Check = "sleep 60", CheckTimeout = TimeSpan.FromMilliseconds(200) });
        SeededBed.Render(hanging);
        Assert.EndsWith("no end after 0.2 s, killed", SeededBed.StateOf(hanging).Reason, StringComparison.Ordinal);
        var changing = _bed.Start(file => file with { Check = "echo more >> \"$CLUSTERFS_STAGED\"" });
        SeededBed.Render(changing);
        Assert.Contains("the check changed the staged file", SeededBed.StateOf(changing).Reason, StringComparison.Ordinal);
        Assert.False(File.Exists(_bed.Target));
        Assert.False(Directory.Exists(Path.GetDirectoryName(_bed.Kept(1))));
    }

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

    [Fact]
    public void A_check_that_is_cut_short_by_the_end_of_the_daemon_leaves_nothing()
    {
        _bed.Write("one\n");
        using var stop = new CancellationTokenSource();
        var files = _bed.Start(file => file with { Check = "sleep 60" }, reached: point => stop.CancelAfter(TimeSpan.FromMilliseconds(point == "staged" ? 200 : -1)));
        Assert.True(files.RenderDue(stop.Token));
        Assert.Throws<OperationCanceledException>(() => files.RenderDue(stop.Token));
        Assert.False(File.Exists(_bed.Target));
        Assert.False(Directory.Exists(Path.GetDirectoryName(_bed.Kept(1))));
        SeededBed.Render(_bed.Start());
        Assert.Equal(("one\n", 1), (File.ReadAllText(_bed.Target), _bed.ReloadCount));
    }

    [Fact]
    public void A_template_is_used_once_it_has_stayed_as_it_is()
    {
        var clock = new Clock();
        var files = _bed.Start(time: clock, quiet: TimeSpan.FromSeconds(3));
        _bed.Write("half\n");
        Assert.True(files.RenderDue(CancellationToken.None));
        clock.Pass(2.9);
        Assert.True(files.RenderDue(CancellationToken.None));
        _bed.Write("whole, and longer\n");
        Assert.True(files.RenderDue(CancellationToken.None));
        clock.Pass(2.9);

        // A look at what would change does not put it off.
        Assert.Contains("+whole, and longer\n", Assert.Single(files.Compare(null)).Diff, StringComparison.Ordinal);
        Assert.True(files.RenderDue(CancellationToken.None));
        Assert.False(File.Exists(_bed.Target));
        clock.Pass(0.2);
        Assert.False(files.RenderDue(CancellationToken.None));
        Assert.Equal("whole, and longer\n", File.ReadAllText(_bed.Target));
    }

    [Fact]
    public void A_look_at_what_would_change_makes_no_change_seem_old()
    {
        var clock = new Clock();
        var files = _bed.Start(time: clock, quiet: TimeSpan.FromSeconds(3));
        _bed.Write("one\n");
        files.Compare(null);
        clock.Pass(4);
        Assert.True(files.RenderDue(CancellationToken.None));
        Assert.False(File.Exists(_bed.Target));
    }

    [Fact]
    public async Task Who_asks_for_a_rendering_waits_for_the_template_too()
    {
        _bed.Write("one\n");
        var files = _bed.Start(quiet: TimeSpan.FromSeconds(1));
        var waited = Stopwatch.StartNew();
        Assert.Equal(SeededCondition.Current, Assert.Single(files.Render(null, CancellationToken.None)).Condition);
        Assert.InRange(waited.Elapsed, TimeSpan.FromMilliseconds(990), TimeSpan.FromMinutes(1));
        using var end = new CancellationTokenSource();
        var isWriting = new TaskCompletionSource();
        var writer = Task.Run(() =>
        {
            for (var line = 0; !end.IsCancellationRequested; line++)
            {
                File.AppendAllText(_bed.Template, $"{line}\n");
                isWriting.TrySetResult();
                end.Token.WaitHandle.WaitOne(1);
            }
        });
        await isWriting.Task;
        var state = Assert.Single(files.Render(null, CancellationToken.None));
        await end.CancelAsync();
        await writer;
        Assert.Equal(
            (SeededCondition.Stale, $"{_bed.Template}: somebody is writing it; it is used once it has stayed as it is for 1 s"), (state.Condition, state.Reason));
        Assert.Equal("one\n", File.ReadAllText(_bed.Target));
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

    [Fact]
    public void A_mistake_at_one_file_keeps_no_other_from_being_rendered_and_reloaded()
    {
        _bed.Write("%NODE%\n");
        var other = Path.Combine(_bed.Root, "etc", "other.conf");
        var staged = 0;
        var files = _bed.StartAll(
            [_bed.SeededFile, _bed.SeededFile with { Path = other }],
            reached: point => _ = point == "staged" && ++staged == 1 ? throw new InvalidOperationException("a mistake") : 0);
        SeededBed.Render(files);
        Assert.Equal(("n1\n", 1), (File.ReadAllText(other), _bed.ReloadCount));
        Assert.Equal(
            [(SeededCondition.Stale, $"{_bed.Target}: it cannot be written: unexpected: InvalidOperationException: a mistake"), (SeededCondition.Current, null)],
            files.States.Select(state => (state.Condition, state.Reason)));
    }

    [Fact]
    public void A_file_too_large_to_be_compared_is_said_to_be()
    {
        using (var large = File.Create(_bed.Target))
        {
            large.SetLength(5 << 20);
        }

        _bed.Write("one\n");
        Assert.Equal($"n1:{_bed.Target} has {5 << 20} bytes, too many to be compared here\n", Assert.Single(_bed.Start().Compare(null)).Diff);
    }

    [Fact]
    public void What_was_wrong_with_the_file_is_said_again_once_shared_storage_is_back()
    {
        _bed.Write("one\n");
        var clock = new Clock();
        var files = _bed.Start(file => file with { Check = "exit 3" }, time: clock);
        SeededBed.Render(files);
        var refused = SeededBed.StateOf(files);
        Directory.Move(_bed.Shared, _bed.Shared + ".away");
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Unknown, SeededBed.StateOf(files).Condition);
        Directory.Move(_bed.Shared + ".away", _bed.Shared);
        SeededBed.Render(files);
        Assert.Equal((SeededCondition.Stale, refused.Reason), (SeededBed.StateOf(files).Condition, SeededBed.StateOf(files).Reason));
        Assert.Contains("exit code 3", refused.Reason, StringComparison.Ordinal);
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
    public void A_bad_template_is_one_clear_error_and_changes_nothing()
    {
        _bed.Write("one\n");
        var files = _bed.Start();
        SeededBed.Render(files);
        _bed.Write("a\n%HOSTNAM%\n");
        SeededBed.Render(files);
        var state = SeededBed.StateOf(files);
        Assert.Equal(SeededCondition.Stale, state.Condition);
        Assert.StartsWith($"{_bed.Template}:2: there is no value for %HOSTNAM%; did you mean 'HOSTNAME'?", state.Reason, StringComparison.Ordinal);
        Assert.Equal("one\n", File.ReadAllText(_bed.Target));
    }

    [Fact]
    public void A_missing_template_is_told_from_shared_storage_that_is_away()
    {
        _bed.Write("one\n");
        var files = _bed.Start();
        SeededBed.Render(files);
        File.Delete(_bed.Template);
        SeededBed.Render(files);
        Assert.Equal(
            (SeededCondition.Stale, $"{_bed.Template}: there is no such template; what was rendered from it stays"),
            (SeededBed.StateOf(files).Condition, SeededBed.StateOf(files).Reason));
        Directory.Move(_bed.Shared, _bed.Shared + ".away");
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Unknown, SeededBed.StateOf(files).Condition);
        Assert.Contains("is away", SeededBed.StateOf(files).Reason, StringComparison.Ordinal);

        // A mount point without its mount.
        Directory.CreateDirectory(_bed.Shared);
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Unknown, SeededBed.StateOf(files).Condition);
        Assert.Equal("one\n", File.ReadAllText(_bed.Target));
        Directory.Delete(_bed.Shared);
        Directory.Move(_bed.Shared + ".away", _bed.Shared);
        _bed.Write("one\n");
        SeededBed.Render(files);
        Assert.Equal(SeededCondition.Current, SeededBed.StateOf(files).Condition);
    }

    [Theory]
    [InlineData("link")]
    [InlineData("directory-link")]
    [InlineData("socket")]
    [InlineData("socket-link")]
    [InlineData("empty")]
    [InlineData("pipe")]
    [InlineData("directory")]
    [InlineData("large")]
    public void What_is_no_template_inside_of_shared_storage_is_refused(string kind)
    {
        // A socket refuses to be opened, so the reason tells that nobody tried.
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var secret = Path.Combine(_bed.Root, "secret");
        File.WriteAllText(secret, "secret\n");
        switch (kind)
        {
            case "link":
                File.CreateSymbolicLink(_bed.Template, secret);
                break;
            case "socket":
                socket.Bind(new UnixDomainSocketEndPoint(_bed.Template));
                break;
            case "socket-link":
                File.Delete(secret);
                socket.Bind(new UnixDomainSocketEndPoint(secret));
                File.CreateSymbolicLink(_bed.Template, secret);
                break;
            case "empty":
                _bed.Write("");
                break;
            case "directory-link":
                Directory.Delete(Path.GetDirectoryName(_bed.Template)!);
                Directory.CreateSymbolicLink(Path.GetDirectoryName(_bed.Template)!, Directory.CreateDirectory(Path.Combine(_bed.Root, "outside")).FullName);
                _bed.Write("outside\n");
                break;
            case "pipe":
                using (var made = Process.Start("mkfifo", _bed.Template))
                {
                    made.WaitForExit();
                }

                break;
            case "directory":
                Directory.CreateDirectory(_bed.Template);
                break;
            default:
                using (var sparse = File.Create(_bed.Template))
                {
                    sparse.SetLength((4 << 20) + 1);
                }

                break;
        }

        var files = _bed.Start();
        SeededBed.Render(files);
        Assert.False(File.Exists(_bed.Target));
        Assert.Equal(SeededCondition.Stale, SeededBed.StateOf(files).Condition);
        Assert.Contains(
            kind switch
            {
                "link" or "directory-link" or "socket-link" => $"{_bed.Template}: leads out of {_bed.Shared}",
                "large" => "is too large",
                "empty" => "the template is empty",
                _ => "is no regular file",
            },
            SeededBed.StateOf(files).Reason,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_stays_inside_is_followed()
    {
        File.WriteAllText(Path.Combine(_bed.Shared, "wiki", "real"), "real\n");
        File.CreateSymbolicLink(_bed.Template, "real");
        SeededBed.Render(_bed.Start());
        Assert.Equal("real\n", File.ReadAllText(_bed.Target));
    }

    [Fact]
    public void A_target_that_cannot_be_written_is_one_clear_error()
    {
        _bed.Write("one\n");
        var nowhere = Path.Combine(_bed.Root, "nowhere");
        Assert.Equal(
            $"{nowhere}/x: there is no directory {nowhere}; make it, with the owner and mode that it should have", Reason(file => file with { Path = nowhere + "/x" }));
        Assert.StartsWith("/proc/seeded: it cannot be written: ", Reason(file => file with { Path = "/proc/seeded" }), StringComparison.Ordinal);
        File.CreateSymbolicLink(_bed.Target, "elsewhere");
        Assert.Equal($"{_bed.Target}: is a symbolic link; name the file that it leads to", Reason(file => file));
        File.Delete(_bed.Target);
        Directory.CreateDirectory(_bed.Target);
        Assert.Equal($"{_bed.Target}: is no regular file", Reason(file => file));
        Directory.Delete(_bed.Target);
        File.WriteAllText(Path.GetDirectoryName(_bed.Kept(1))!, "not a directory");
        Assert.EndsWith("is in the way, and is no directory; move it away", Reason(file => file), StringComparison.Ordinal);
        Assert.False(File.Exists(_bed.Target));

        string? Reason(Func<SeededSettings, SeededSettings> with)
        {
            var files = _bed.Start(with);
            SeededBed.Render(files);
            Assert.Equal(SeededCondition.Stale, SeededBed.StateOf(files).Condition);
            return SeededBed.StateOf(files).Reason;
        }
    }

    [Fact]
    public void A_reload_that_fails_is_reported_and_tried_again()
    {
        _bed.Write("one\n");
        var flag = Path.Combine(_bed.Root, "flag");
        SeededSettings With(SeededSettings file) => file with { Reload = $"test -e '{flag}' || {{ echo no flag; exit 1; }}; echo x >> '{_bed.Reloads}'" };
        var files = _bed.Start(With);
        SeededBed.Render(files);
        Assert.Equal("one\n", File.ReadAllText(_bed.Target));
        Assert.Equal(
            (SeededCondition.Stale, $"{_bed.Target}: the file is in its place, but the reload failed, and is tried again: exit code 1: no flag"),
            (SeededBed.StateOf(files).Condition, SeededBed.StateOf(files).Reason));
        File.WriteAllText(flag, "");

        // The next daemon does not wait.
        var next = _bed.Start(With);
        SeededBed.Render(next);
        Assert.Equal((SeededCondition.Current, 1), (SeededBed.StateOf(next).Condition, _bed.ReloadCount));
    }

    [Fact]
    public void Files_that_are_reloaded_alike_are_reloaded_once()
    {
        _bed.Write("%NODE%\n");
        var other = Path.Combine(_bed.Root, "etc", "other.conf");
        var files = _bed.StartAll([_bed.SeededFile, _bed.SeededFile with { Path = other }]);
        SeededBed.Render(files);
        Assert.Equal(("n1\n", "n1\n", 1), (File.ReadAllText(_bed.Target), File.ReadAllText(other), _bed.ReloadCount));
    }

    [Fact]
    public void Compare_shows_what_would_change_and_changes_nothing()
    {
        _bed.Write("one\nnode %NODE%\n");
        var files = _bed.Start();
        Assert.Equal(
            $"--- /dev/null\n+++ n1:{_bed.Target} (from wiki/site.conf.in)\n@@ -0,0 +1,2 @@\n+one\n+node n1\n", Assert.Single(files.Compare("wiki")).Diff);
        Assert.False(File.Exists(_bed.Target));
        SeededBed.Render(files);
        Assert.Equal((null, ""), (Assert.Single(files.Compare(null)).Reason, Assert.Single(files.Compare(null)).Diff));
        File.WriteAllText(_bed.Target, "one\nnode mine\n");
        var edited = Assert.Single(files.Compare(null));
        Assert.EndsWith("@@ -1,2 +1,2 @@\n one\n-node mine\n+node n1\n", edited.Diff, StringComparison.Ordinal);
        _bed.Write("%X%\n");
        Assert.True(Assert.Single(files.Compare(null)).Failed);
        Assert.Empty(files.Compare("blog"));
        Assert.Equal("one\nnode mine\n", File.ReadAllText(_bed.Target));
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

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(double seconds) => _now += TimeSpan.FromSeconds(seconds).Ticks;

        public override long GetTimestamp() => _now;
    }

    private static (uint Mode, uint User, uint Group) AttributesOf(string path)
    {
        var status = FileStatus.TryRead(path)!.Value;
        return (status.Mode, status.User, status.Group);
    }
}
