using System.CommandLine;
using ClusterFs.Archive.Capture;

namespace ClusterFs.Cli;

/// <summary>Options that say how content is captured, as <c>live</c> in a configuration does.</summary>
internal sealed class CaptureOptions
{
    private static readonly TimeSpan DefaultHookTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan DefaultCommandTimeout = TimeSpan.FromMinutes(10);

    private static readonly Dictionary<string, CaptureMode> Modes = new(StringComparer.Ordinal)
    {
        ["auto"] = CaptureMode.Auto,
        ["sqlite"] = CaptureMode.Sqlite,
        ["copy"] = CaptureMode.Copy,
        ["snapshot"] = CaptureMode.Snapshot,
        ["hooks"] = CaptureMode.Hooks,
        ["command"] = CaptureMode.Command,
    };

    private readonly Option<string> _capture = new("--capture")
    {
        Description = "How to get a consistent picture while a service writes: "
            + "auto (a btrfs snapshot where one can be taken; elsewhere SQLite databases through SQLite, all else copied file by file), "
            + "sqlite (a database that SQLite cannot read is an error), "
            + "copy (every file copied, databases too), "
            + "snapshot (a btrfs snapshot: all files as of one moment), "
            + "hooks (--quiesce before and --resume after the files are read), "
            + "command (--command writes a copy, and that is dumped). Default: auto",
        HelpName = "MODE",
    };

    private readonly Option<string> _quiesce = new("--quiesce")
    {
        Description = "With --capture hooks: the command, for /bin/sh in PATH, that makes the service write what it has and stand still.",
        HelpName = "CMD",
    };

    private readonly Option<string> _resume = new("--resume")
    {
        Description = "With --capture hooks: the command that lets the service go on. Run after every --quiesce, also one that failed.",
        HelpName = "CMD",
    };

    private readonly Option<TimeSpan?> _hookTimeout = CommandArguments.Time(
        "--hook-timeout", DefaultHookTimeout, "With --capture hooks: how long each of the two commands may take.");

    private readonly Option<TimeSpan?> _limit = CommandArguments.Time(
        "--quiesce-limit", DefaultLimit, "With --capture hooks: how long the service may stand still; then it is let go, and the dump fails.");

    private readonly Option<string> _command = new("--command")
    {
        Description = "With --capture command: the command, for /bin/sh, that writes a consistent copy into the empty directory $CLUSTERFS_TARGET, "
            + "where it is run.",
        HelpName = "CMD",
    };

    private readonly Option<TimeSpan?> _commandTimeout = CommandArguments.Time(
        "--command-timeout", DefaultCommandTimeout, "With --capture command: how long it may take.");

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_capture, _quiesce, _resume, _hookTimeout, _limit, _command, _commandTimeout])
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            var mode = result.GetValue(_capture) ?? "auto";
            if (!Modes.ContainsKey(mode))
            {
                result.AddError($"--capture: '{mode}' is none of the choices; expected {string.Join(", ", Modes.Keys.Order(StringComparer.Ordinal))}");
                return;
            }

            Check("hooks", [_quiesce, _resume], [_hookTimeout, _limit]);
            Check("command", [_command], [_commandTimeout]);

            void Check(string of, Option[] required, Option[] optional)
            {
                foreach (var option in required.Where(option => mode == of && result.GetResult(option) is null))
                {
                    result.AddError($"--capture {of} needs {option.Name} {option.HelpName}");
                }

                foreach (var option in required.Concat(optional).Where(option => mode != of && result.GetResult(option) is not null))
                {
                    result.AddError($"{option.Name} has no effect with --capture {mode}; expected --capture {of}");
                }
            }
        });
    }

    public CaptureSettings Read(ParseResult parsed)
    {
        var mode = Modes[parsed.GetValue(_capture) ?? "auto"];
        return new CaptureSettings(mode)
        {
            Hooks = mode == CaptureMode.Hooks
                ? new CaptureHooks(
                    parsed.GetRequiredValue(_quiesce),
                    parsed.GetRequiredValue(_resume),
                    parsed.GetValue(_hookTimeout) ?? DefaultHookTimeout,
                    parsed.GetValue(_limit) ?? DefaultLimit)
                : null,
            Command = mode == CaptureMode.Command
                ? new CaptureCommand(parsed.GetRequiredValue(_command), parsed.GetValue(_commandTimeout) ?? DefaultCommandTimeout)
                : null,
        };
    }
}
