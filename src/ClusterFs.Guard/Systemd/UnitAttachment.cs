using System.Diagnostics.CodeAnalysis;
using System.Text;
using ClusterFs.Posix;

namespace ClusterFs.Guard.Systemd;

/// <summary>
/// What binds a unit of systemd to the lease of a service on this node: a drop-in of the unit, which the guard takes as its permission to
/// start it.
/// </summary>
public sealed class UnitAttachment(string unit, string service, string directory = UnitAttachment.UnitDirectory)
{
    /// <summary>Where the administrator's units are.</summary>
    public const string UnitDirectory = "/etc/systemd/system";

    /// <summary>Read after the administrator's own, so that none of them takes its commands away.</summary>
    private const string FileName = "zz-clusterfs.conf";

    /// <summary>What systemd does not start by anybody's order: a drop-in that is on its way out.</summary>
    private const string Refusal = "RefuseManualStart=yes";

    public string Unit => unit;

    public string Service => service;

    public string Path => System.IO.Path.Combine(directory, $"{unit}.d", FileName);

    /// <summary>The unit that holds a service's lease; systemd ends with it what is bound to it.</summary>
    public static string LeaseUnitOf(string service) => $"clusterfs-lease@{service}.service";

    /// <param name="program">The absolute path of <c>clusterfs</c>.</param>
    /// <param name="guard">The guard's socket.</param>
    public string Text(string program, string guard) => $"""
        # Made by 'clusterfs systemd attach {unit} {service}', and removed by 'clusterfs systemd detach {unit} {service}'.
        # The unit starts only where this node holds the lease of {service}, and ends with it. The guard starts it: do not enable it.

        [Unit]
        BindsTo={LeaseUnitOf(service)}
        After={LeaseUnitOf(service)}

        [Service]
        # Asked before anything of the unit runs, and right before each start, also those of Restart=: whether the guard holds the lease, lets the
        # service run, and finds what runs in this unit, so that it can kill it.
        ExecCondition=+{program} admit --guard {guard} --unit {unit} {service}
        ExecStartPre=+{program} admit --guard {guard} --unit {unit} {service}

        """;

    /// <summary>Whether the drop-in is there and names this service, and is not on its way out: the guard may have the unit started.</summary>
    public bool Exists() => TryRead(out var text) && Names(text) && !text.Contains(Refusal, StringComparison.Ordinal);

    /// <summary>Whether this drop-in was written for this service.</summary>
    public bool Names(string text) => text.Split('\n').Contains($"BindsTo={LeaseUnitOf(service)}");

    /// <returns>The drop-in as it is, whoever it is for.</returns>
    public bool TryRead([NotNullWhen(true)] out string? text)
    {
        try
        {
            text = File.ReadAllText(Path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            text = null;
            return false;
        }
    }

    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(string text)
    {
        // Whole or not at all, also after a power cut: half a drop-in would be a unit that starts without its lease.
        Durable.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        Durable.Replace(Path, Encoding.UTF8.GetBytes(text));
    }

    /// <summary>The same drop-in, under which nobody starts the unit, and which is no permission for the guard.</summary>
    public static string OnItsWayOut(string text) => $"{text}\n[Unit]\n{Refusal}\n";

    /// <exception cref="IOException">It cannot be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be removed.</exception>
    public void Remove()
    {
        File.Delete(Path);
        var parent = System.IO.Path.GetDirectoryName(Path)!;
        if (Directory.Exists(parent) && !Directory.EnumerateFileSystemEntries(parent).Any())
        {
            Directory.Delete(parent);
        }
    }
}
