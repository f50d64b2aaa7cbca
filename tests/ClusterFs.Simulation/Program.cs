using ClusterFs.Simulation;

return CommandLine.Run(args);
