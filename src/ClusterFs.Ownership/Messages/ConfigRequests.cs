using ClusterFs.Ownership.Wire;

namespace ClusterFs.Ownership.Messages;

/// <summary>Asks a node for its config files.</summary>
/// <param name="Service">Only of this one; null for all.</param>
/// <param name="Task">What is to be done.</param>
public sealed record AskConfig(string? Service, ConfigTask Task) : IWireMessage;

public enum ConfigTask
{
    /// <summary>Say how they are; at once, whatever hangs.</summary>
    Tell,

    /// <summary>Say what a roll-out would change.</summary>
    Compare,

    /// <summary>Begin a roll-out.</summary>
    Apply,
}

/// <summary>The answer.</summary>
/// <param name="Report">As the local API writes it.</param>
public sealed record ConfigAnswered(string Report) : IWireMessage;

/// <summary>Says that there is something new to be seen of a service's config files; shared storage tells nobody.</summary>
public sealed record LookAtConfig(string Service) : IWireMessage;
