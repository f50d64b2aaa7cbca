namespace ClusterFs.Guard.Systemd;

/// <summary>How far a unit is that was told to stop.</summary>
internal enum UnitStop
{
    /// <summary>systemd refuses, or does not answer.</summary>
    Unanswered,

    /// <summary>Something of it runs, or systemd may still start something of it, such as ExecStopPost=.</summary>
    Stopping,

    /// <summary>Nothing is in its control group, and systemd says that it is inactive.</summary>
    Over,
}
