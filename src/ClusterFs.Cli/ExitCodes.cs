namespace ClusterFs.Cli;

/// <summary>What the process says to scripts when it ends.</summary>
public static class ExitCodes
{
    public const int Done = 0;

    /// <summary>It was tried and did not work.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration is wrong; nothing was tried.</summary>
    public const int Usage = 2;

    /// <summary>Not now or not here: another node owns the service, for instance.</summary>
    public const int Refused = 3;

    /// <summary>The daemon of this node does not answer.</summary>
    public const int Unreachable = 4;

    public const int TimedOut = 5;
}
