using System.Collections;
using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.Transport;
using ClusterFs.Lease;
using ClusterFs.Posix;
using Grpc.Core;

namespace ClusterFs.Guard.Beside;

/// <summary>What the process at the gate needs to know.</summary>
/// <param name="Beside">The process that started it, and without which it must not live.</param>
public sealed record GateOptions(string Socket, string Service, string Token, long Epoch, int Beside, IReadOnlyList<string> Command);

/// <summary>
/// The process that will become the service: known to the guard before it is anything, let go by the guard, and the last to look at the
/// clocks (R14).
/// </summary>
public static class Gate
{
    /// <summary>Becomes the service; returns an exit code only when it may not or cannot.</summary>
    public static int Pass(GateOptions options, TextWriter messages)
    {
        Processes.StartSession();
        Processes.DieWithParent();
        if (ProcessTable.Find(Environment.ProcessId)?.Parent != options.Beside)
        {
            return Executioner.TooLate;
        }

        GateReply reply;
        try
        {
            using var channel = GuardChannels.ToSocket(options.Socket);
            reply = new LocalGuard.LocalGuardClient(channel).PassGate(new GateRequest
            {
                Service = options.Service,
                GateToken = options.Token,
                Process = Environment.ProcessId,
                Epoch = options.Epoch,
            });
        }
        catch (RpcException)
        {
            // The process beside the service sees the guard go by itself, and says so.
            return Executioner.TooLate;
        }

        var stopAt = new Instant(new TimeSpan(reply.StopAtBoottime), new TimeSpan(reply.StopAtMonotonicRaw));
        if (!reply.Open || reply.Epoch != options.Epoch || stopAt.MayHaveComeBy(GuardClock.Now))
        {
            return Executioner.TooLate;
        }

        try
        {
            Processes.RestoreDefault(Processes.SignalPipe);

            // Again, on the thread that becomes the service: the setting belongs to a thread.
            Processes.DieWithParent();
            Processes.Execute(options.Command[0], [.. options.Command.Skip(1)], OwnEnvironment());
            return ExitCodes.NotExecutable;
        }
        catch (PosixException e)
        {
            messages.WriteLine($"clusterfs: {options.Service}: {e.Message}");
            return ExitCodes.NotExecutable;
        }
    }

    private static Dictionary<string, string> OwnEnvironment() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(pair => (string)pair.Key, pair => (string?)pair.Value ?? "");
}
