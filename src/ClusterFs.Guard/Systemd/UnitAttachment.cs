using System.Diagnostics.CodeAnalysis;

namespace ClusterFs.Guard.Systemd;

/// <summary>
/// What binds a unit of systemd to the lease of a service on this node: a drop-in of the unit, which the guard takes as its permission to
/// start it.
/// </summary>
public sealed class UnitAttachment(string unit, string service, string directory = UnitAttachment.UnitDirectory)
{
    /// <summary>Where the administrator's units are.</summary>
    public const string UnitDirectory = "/etc/systemd/system";

    private const string FileName = "clusterfs.conf";

    public string Unit => unit;

    public string Service => service;

    public string Path => System.IO.Path.Combine(directory, $"{unit}.d", FileName);

    /// <summary>The unit that holds a service's lease; systemd ends with it what is bound to it.</summary>
    public static string LeaseUnitOf(string service) => $"clusterfs-lease@{service}.service";

    /// <param name="program">The absolute path of <c>clusterfs</c>.</param>
    public string Text(string program) => $"""
        # Made by 'clusterfs systemd attach {unit} {service}', and removed by 'clusterfs systemd detach {unit} {service}'.
        # The unit starts only where this node holds the lease of {service}, and ends with it. The guard starts it: do not enable it.

        [Unit]
        BindsTo={LeaseUnitOf(service)}
        After={LeaseUnitOf(service)}

        [Service]
        # The last look before each start, also those of Restart=: whether the guard holds the lease, and lets the service run.
        ExecStartPre=+{program} admit {service}

        """;

    /// <summary>Whether the drop-in is there and names this service.</summary>
    public bool Exists() => TryRead(out var text) && text.Split('\n').Contains($"BindsTo={LeaseUnitOf(service)}");

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
    public void Write(string program)
    {
        var parent = System.IO.Path.GetDirectoryName(Path)!;
        _ = Directory.CreateDirectory(parent);

        // Whole or not at all: half a drop-in would be a unit that starts without its lease.
        var made = System.IO.Path.Combine(parent, $".{FileName}.new");
        File.WriteAllText(made, Text(program));
        File.Move(made, Path, overwrite: true);
    }

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
