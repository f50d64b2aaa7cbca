using System.CommandLine;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Walkthrough;
using Spectre.Console;

var keep = new Option<bool>("--keep") { Description = "Leave the cluster running at the end, and say how to look at it and stop it." };
var command = new RootCommand("Shows the main job on this machine: three nodes, one writer, a failover, a planned move, and the other files of a service.") { keep };
command.SetAction(async (parsed, cancelled) =>
{
    var report = new Report(AnsiConsole.Console);
    try
    {
        await using var demonstration = await Demonstration.Prepare(Binaries.Find(), report, cancelled);
        await demonstration.Run();
        if (parsed.GetValue(keep))
        {
            demonstration.LeaveRunning();
        }

        return 0;
    }
    catch (ConditionNotMetException e)
    {
        report.NotObserved(e.Message);
        return 1;
    }
    catch (OperationCanceledException)
    {
        report.NotObserved("interrupted; everything that was started is stopped");
        return 130;
    }
});
// Time to kill and delete everything after Ctrl-C.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(20) });
