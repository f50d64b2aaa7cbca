using System.Diagnostics;
using ClusterFs.Faults.Rig;

namespace ClusterFs.Faults.Tests.Rig;

public sealed class NodeDiskTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("clusterfs-disk-");

    public void Dispose() => _directory.Delete(recursive: true);

    /// <summary>As a container has that was booted when it was there.</summary>
    [SkippableFact]
    public async Task After_a_power_cut_it_is_there_also_where_another_namespace_still_has_it_mounted()
    {
        var missing = Needs.Missing();
        Skip.If(missing.Count > 0, string.Join("; ", missing));
        var disk = new NodeDisk(Path.Combine(_directory.FullName, "image"), Path.Combine(_directory.FullName, "disk"), 400L << 20);
        await disk.Format();
        try
        {
            var live = Directory.CreateDirectory(Path.Combine(disk.MountPoint, "live"));
            await Shell.Run("sync", "-f", live.FullName);
            using var other = Process.Start(new ProcessStartInfo("unshare", ["--mount", "--propagation", "private", "sh", "-c", "echo here; exec cat"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            })!;
            Assert.Equal("here", await other.StandardOutput.ReadLineAsync());

            await disk.PowerOff();
            await disk.PowerOn();

            Assert.Empty(Directory.EnumerateFileSystemEntries(live.FullName));
            await File.WriteAllTextAsync(Path.Combine(live.FullName, "written"), "");
            Assert.False(other.HasExited);
            other.StandardInput.Close();
            await other.WaitForExitAsync();
        }
        finally
        {
            if (Shell.IsMounted(disk.MountPoint))
            {
                await Shell.Run("umount", disk.MountPoint);
            }
        }
    }
}
