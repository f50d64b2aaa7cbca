namespace ClusterFs.Guard.Beside;

/// <summary>What the commands beside a service end with, besides the service's own code.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int Refused = 3;
    public const int Unreachable = 4;
    public const int TimedOut = 5;

    /// <summary>The command cannot be executed, as shells say it.</summary>
    public const int NotExecutable = 127;

    public static int OfSignal(int signal) => 128 + signal;
}
