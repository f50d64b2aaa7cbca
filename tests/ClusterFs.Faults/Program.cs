using System.CommandLine;
using ClusterFs.Faults;

var command = new RootCommand(
    "Breaks a real cluster in network namespaces of its own, over and over, and proves from what is left that nothing was broken that must hold.");
FaultCommand.AddTo(command);
command.Subcommands.Add(WriterCommand.Create());
command.Subcommands.Add(HoldersCommand.Create());
// Time to stop and remove everything after Ctrl-C.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(60) });
