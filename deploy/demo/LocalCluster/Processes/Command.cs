using System.Diagnostics;

namespace ClusterFs.Demo.Processes;

/// <summary>Runs a command to its end and collects what it says.</summary>
public static class Command
{
    /// <exception cref="ConditionNotMetException">It has not ended in time; it is killed.</exception>
    public static async Task<CommandResult> Run(
        IReadOnlyList<string> command,
        IReadOnlyDictionary<string, string> environment,
        TimeSpan patience)
    {
        var start = new ProcessStartInfo(command[0])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in command.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (variable, value) in environment)
        {
            start.Environment[variable] = value;
        }

        var commandLine = string.Join(' ', command);
        var watch = Stopwatch.StartNew();
        using var process = Process.Start(start) ?? throw new IOException($"cannot be started: {commandLine}");
        process.StandardInput.Close();
        using var deadline = new CancellationTokenSource(patience);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new ConditionNotMetException(
                $"{commandLine}: no end after {patience.TotalSeconds:0.#} s{Environment.NewLine}{await Settled(output)}{await Settled(error)}");
        }

        // A detached child may keep the pipes open for as long as it lives: what the command itself said is there by now.
        var took = watch.Elapsed;
        return new CommandResult(commandLine, process.ExitCode, await Settled(output), await Settled(error), took);
    }

    private static async Task<string> Settled(Task<string> text)
    {
        await Task.WhenAny(text, Task.Delay(TimeSpan.FromSeconds(1)));
        return text.IsCompletedSuccessfully ? text.Result : "";
    }
}
