using ClusterFs.Cli;

return await CommandLine.RunAsync(args);
