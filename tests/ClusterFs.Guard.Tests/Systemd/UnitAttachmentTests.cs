using ClusterFs.Guard.Systemd;

namespace ClusterFs.Guard.Tests.Systemd;

public sealed class UnitAttachmentTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-units-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_drop_in_is_the_guards_permission_until_it_is_on_its_way_out()
    {
        var attachment = new UnitAttachment("wiki.service", "wiki", _directory);
        Assert.False(attachment.Exists());
        var text = attachment.Text("/usr/bin/clusterfs", "/run/clusterfs/guard.sock");
        attachment.Write(text);
        Assert.True(attachment.Exists());

        attachment.Write(UnitAttachment.OnItsWayOut(text));
        Assert.False(attachment.Exists());
        Assert.True(attachment.TryRead(out var read) && attachment.Names(read));

        attachment.Remove();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
    }

    [Fact]
    public void A_drop_in_of_another_service_is_none_of_this_one()
    {
        var other = new UnitAttachment("wiki.service", "wiki2", _directory);
        other.Write(other.Text("/usr/bin/clusterfs", "/run/clusterfs/guard.sock"));
        Assert.False(new UnitAttachment("wiki.service", "wiki", _directory).Exists());
    }

    [Fact]
    public void What_systemctl_edit_writes_is_read_before_it() =>
        Assert.True(string.CompareOrdinal("override.conf", Path.GetFileName(new UnitAttachment("wiki.service", "wiki").Path)) < 0);
}
