using ClusterFs.Ownership.Wire;

namespace ClusterFs.Ownership.Messages;

/// <summary>Asks a node for its seeded files.</summary>
/// <param name="Service">Only of this one; null for all.</param>
/// <param name="Task">What is to be done.</param>
public sealed record AskSeeded(string? Service, SeededTask Task) : IWireMessage;

public enum SeededTask
{
    /// <summary>Say how they are; at once, whatever hangs.</summary>
    Tell,

    /// <summary>Say what a rendering would change.</summary>
    Compare,

    /// <summary>Render what differs.</summary>
    Render,
}

/// <summary>The answer.</summary>
/// <param name="Report">As the local API writes it.</param>
public sealed record SeededAnswered(string Report) : IWireMessage;
