namespace ClusterFs.Guard.Systemd;

/// <summary>What systemd says of a unit at one moment. Immutable.</summary>
public sealed class UnitFacts
{
    private readonly Dictionary<string, string> _properties = new(StringComparer.Ordinal);

    private UnitFacts()
    {
    }

    public bool IsKnown => this["LoadState"] == "loaded";

    /// <summary>Nothing of it runs, and nothing is about to without another order.</summary>
    public bool IsOver => this["ActiveState"] is "inactive" or "failed";

    /// <summary>Somebody asked for a start, stop or restart that waits, or is under way.</summary>
    public bool HasJob => this["Job"] is not ("" or "0");

    public bool IsEnabled => this["UnitFileState"] == "enabled";

    /// <summary>The arguments of systemctl.</summary>
    public static string[] Question(string unit) =>
    [
        "show", "--property=Id,LoadState,Type,ActiveState,Job,BindsTo,ExecStartPre,UnitFileState", "--", unit,
    ];

    /// <param name="answer">What systemctl said to <see cref="Question"/>.</param>
    public static UnitFacts Parse(string answer)
    {
        var facts = new UnitFacts();
        foreach (var line in answer.Split('\n'))
        {
            if (line.IndexOf('=', StringComparison.Ordinal) is > 0 and var at)
            {
                // A property that is a list of commands has a line for each.
                facts._properties[line[..at]] = $"{facts[line[..at]]}\n{line[(at + 1)..]}".Trim();
            }
        }

        return facts;
    }

    public bool BindsLeaseOf(string service) =>
        this["BindsTo"].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Contains(UnitAttachment.LeaseUnitOf(service));

    /// <returns>Why this unit cannot be stopped and killed with a lease; null when it can.</returns>
    public string? WhyNotAttachable(string unit) =>
        !IsKnown ? $"systemd knows no {unit}"
        : this["Id"] != unit ? $"{unit} is another name of {this["Id"]}: say {this["Id"]}, here and as 'unit' in the configuration, because its processes are found by that name"
        : this["Type"] == "oneshot" ? $"{unit} is of Type=oneshot, a frame without processes of its own: name the unit that has them (for postgresql.service one like postgresql@15-main.service)"
        : null;

    /// <returns>Why systemd may start this unit without the lease; null when it may not.</returns>
    public string? WhyNotBound(string unit, string service) =>
        !BindsLeaseOf(service) ? $"systemd does not know that {unit} is bound to its lease: 'clusterfs systemd attach {unit} {service}' tells it"
        : !this["ExecStartPre"].Contains(" admit ", StringComparison.Ordinal)
            ? $"another drop-in of {unit} takes away what 'clusterfs systemd attach' has put before its start: see 'systemctl cat {unit}'"
        : null;

    private string this[string property] => _properties.GetValueOrDefault(property, "");
}
