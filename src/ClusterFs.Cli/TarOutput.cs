using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Log;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli;

/// <summary>Where a tar file goes: to the standard output, or whole into a new file.</summary>
internal static class TarOutput
{
    public const string StandardOutput = "-";

    public static Option<string> Option() => new("--output")
    {
        Description = "Where to write; - for the standard output. Default: -",
        HelpName = "FILE",
    };

    public static string Of(ParseResult parsed, Option<string> option, Terminal terminal)
    {
        var file = parsed.GetValue(option) ?? StandardOutput;
        return file == StandardOutput && terminal.Screen is not null
            ? throw new CommandException(ExitCodes.Usage, "a tar file does not belong on a terminal", "name a file with --output, or use a pipe")
            : file;
    }

    public static void Write(ServiceArchive archive, StoredContent content, string file, CancellationToken cancellation)
    {
        if (file == StandardOutput)
        {
            using var output = Console.OpenStandardOutput();
            archive.ExportTar(content, output, cancellation);
            return;
        }

        if (File.Exists(file) || Directory.Exists(file))
        {
            throw new CommandException(ExitCodes.Failed, $"{file} exists already", "name another file, or remove it");
        }

        // A tar file that ends early is easily taken for a whole one.
        var partial = $"{file}.{Guid.NewGuid():N}.partial";
        try
        {
            using (var output = new FileStream(partial, FileMode.CreateNew, FileAccess.Write))
            {
                archive.ExportTar(content, output, cancellation);
                output.Flush(flushToDisk: true);
            }

            File.Move(partial, file);
        }
        finally
        {
            File.Delete(partial);
        }
    }
}
