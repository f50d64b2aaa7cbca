using ClusterFs.Configuration;
using ClusterFs.Guard.Systemd;

namespace ClusterFs.Cli.Doctor;

/// <summary>Whether systemd starts what it should, and nothing without its lease.</summary>
internal static class UnitCheck
{
    private const string Name = "systemd";
    private const string Running = "/run/systemd/system";

    private static readonly string[] Own = ["clusterfs.service", "clusterfs-guard.service"];

    public static Check Create(Settings settings) => new(Name, "systemctl waits for systemd, which is busy or stuck", "systemctl list-jobs", () => Look(settings));

    /// <param name="facts">Of one of our own units.</param>
    public static Finding JudgeOwn(string unit, UnitFacts facts) =>
        !facts.IsKnown ? Finding.Ok(Name, $"there is no {unit}", "guard and daemon are started by something else")
        : facts.IsOver ? Finding.Warning(Name, $"{unit} does not run", "this node takes no part", $"systemctl enable --now {unit}")
        : !facts.IsEnabled ? Finding.Warning(Name, $"{unit} is not enabled", "after a restart of this machine it stays down", $"systemctl enable {unit}")
        : Finding.Ok(Name, $"{unit} runs, and starts at boot");

    public static Finding Judge(string service, string unit, UnitFacts facts) =>
        facts.WhyNotAttachable(unit) is { } problem ? Finding.Failure(Name, problem, $"{service} cannot run on this node", $"set clusterfs.services.{service}.unit to the unit that it runs as")
        : facts.WhyNotBound(unit, service) is { } unbound ? Finding.Failure(Name, unbound, $"{unit} could be started while another node owns {service}", $"clusterfs systemd attach {unit} {service}")
        : facts.IsEnabled ? Finding.Warning(Name, $"{unit} is enabled", "systemd starts it at boot, and it fails where this node does not own it", $"systemctl disable {unit}")
        : Finding.Ok(Name, $"{unit} starts only where this node holds the lease of {service}");

    private static IEnumerable<Finding> Look(Settings settings)
    {
        if (!Directory.Exists(Running))
        {
            yield return Finding.Ok(Name, "systemd does not run on this machine", "guard, daemon and services are started by something else");
            yield break;
        }

        foreach (var unit in Own)
        {
            yield return JudgeOwn(unit, Systemctl.Describe(unit));
        }

        foreach (var service in settings.Services.Values.Where(service => service.Unit is not null && service.Nodes.Contains(settings.Node.Name)))
        {
            yield return Judge(service.Name, service.Unit!, Systemctl.Describe(service.Unit!));
        }
    }
}
