using System.Security.Cryptography;
using ClusterFs.Cli;

if (args is ["archive", ..])
{
    // What hashes takes as long to load as the command line to be understood.
    _ = Task.Run(static () => SHA256.HashData([]));
}

return await CommandLine.RunAsync(args);
