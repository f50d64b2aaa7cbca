using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>All that is looked at on this node, at the same time, so that what hangs delays nothing else.</summary>
internal static class Examination
{
    private const string Configuration = "configuration";

    public static async Task<DoctorReport> RunAsync(string path, TimeProvider time)
    {
        LoadedConfiguration loaded;
        try
        {
            loaded = ConfigurationLoader.Load(path);
        }
        catch (ConfigurationException e)
        {
            return DoctorReport.Of(null, [.. e.Errors.Select(Judge)]);
        }

        var settings = loaded.Settings;
        var findings = await Task.WhenAll(Checks(settings, loaded, time).Select(check => check.RunAsync(time))).ConfigureAwait(false);
        ImmutableArray<Finding> ofConfiguration = loaded.Warnings.IsEmpty
            ? [Finding.Ok(Configuration, $"{path} and what it includes fit together")]
            : [.. loaded.Warnings.Select(warning => Finding.Warning(Configuration, warning, "the daemon warns of it too", "see clusterfs.conf, the reference of every setting"))];
        return DoctorReport.Of(settings.Node.Name, [.. WhoLooks(settings), .. ofConfiguration, .. findings.SelectMany(of => of)]);
    }

    private static IEnumerable<Finding> WhoLooks(Settings settings)
    {
        // Not where a user runs a daemon of their own.
        if (!Processes.IsRoot && !IsOwn(settings.Node.StateDirectory))
        {
            yield return Finding.Warning(
                "doctor", $"this is user {Accounts.Current}, not root", "what follows is what that user may see", "run doctor as root, or as the user that the daemon runs as");
        }
    }

    private static bool IsOwn(string directory)
    {
        try
        {
            return FileStatus.TryRead(directory)?.User == Accounts.Current;
        }
        catch (PosixException)
        {
            return false;
        }
    }

    private static Finding Judge(ConfigurationError error) => Finding.Failure(
        Configuration,
        $"{(error with { Expected = "" })}",
        "neither guard nor daemon starts with it; what runs goes on with what it has",
        error.Expected.Length > 0 ? error.Expected : "see clusterfs.conf, the reference of every setting");

    private static IEnumerable<Check> Checks(Settings settings, LoadedConfiguration loaded, TimeProvider time)
    {
        var here = settings.Services.Values.Where(service => service.Nodes.Contains(settings.Node.Name)).ToList();
        return
        [
            PermissionCheck.Create(settings, loaded.Files),
            CertificateCheck.Create(settings, time),
            ClockCheck.Create(),
            NodeCheck.Create(settings),
            UnitCheck.Create(settings),
            AddressCheck.Create(here),
            AddressOwnerCheck.Create(settings, here),
            PeerCheck.Create(settings, time),
            JournalCheck.Create(settings),
            MountCheck.Create(settings, time),
            StorageCheck.Create(settings),
            MarkCheck.Create(settings, time),
            .. here.Select(service => LivePathCheck.Create(settings, service)),
            SpaceCheck.Create("shared.path", settings.Shared.Path, "dumps"),
            SpaceCheck.Create("node.state-dir", settings.Node.StateDirectory, "votes, leases and local copies of configuration"),
            .. here.Select(service => SpaceCheck.Create($"the live content of {service.Name}", service.Live.Path, "what the service writes, and a copy to take over with")),
        ];
    }
}
