using System.Globalization;

namespace ClusterFs.Simulation;

/// <summary>The simulator's command line. Exit codes: 0 all held, 1 a violation or a survivor, 2 usage, 130 interrupted.</summary>
internal static class CommandLine
{
    private const string Usage = """
        usage: simulate [--seeds N] [--from S] [--profile NAME]   run N seeds (2000), from S (1) on, over all profiles or one
               simulate --mutants [--seeds N] [--only NAME]       show that each deliberate bug is caught, within N seeds (20000) each
               simulate --trace SEED [--profile NAME]             print everything that happens in one seed, and make a failing one smaller
               simulate --exhaustive [--states N]                 visit the states of a small world, each once, up to N (1000000)
        """;

    public static int Run(string[] arguments)
    {
        if (Parse(arguments) is not { } options)
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }

        using var interrupted = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = true;
            interrupted.Cancel();
        };
        var result = options.Mode switch
        {
            Mode.Help => Help(),
            Mode.Mutants => MutantReport.Run(options, interrupted.Token),
            Mode.Exhaustive => ExhaustiveReport.Run(options, interrupted.Token),
            Mode.Trace => TraceReport.Run(options, interrupted.Token),
            _ => SeedReport.Run(options, interrupted.Token),
        };
        return interrupted.IsCancellationRequested ? 130 : result;
    }

    private static int Help()
    {
        Console.WriteLine(Usage);
        return 0;
    }

    private static Options? Parse(string[] arguments)
    {
        var options = new Options();
        for (var i = 0; i < arguments.Length; i++)
        {
            var value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            Options? next = arguments[i] switch
            {
                "-h" or "--help" => options with { Mode = Mode.Help },
                "--mutants" => options with { Mode = Mode.Mutants },
                "--exhaustive" => options with { Mode = Mode.Exhaustive },
                "--states" when long.TryParse(value, CultureInfo.InvariantCulture, out var states) && states > 0 => options with { States = states },
                "--seeds" when int.TryParse(value, CultureInfo.InvariantCulture, out var seeds) && seeds > 0 => options with { Seeds = seeds },
                "--from" when ulong.TryParse(value, CultureInfo.InvariantCulture, out var from) => options with { From = from },
                "--trace" when ulong.TryParse(value, CultureInfo.InvariantCulture, out var seed) => options with { Mode = Mode.Trace, From = seed },
                "--only" when value is not null => options with { Only = value },
                "--profile" when Enum.TryParse<Profile>(value, ignoreCase: true, out var profile) && Enum.IsDefined(profile) => options with { Profile = profile },
                _ => null,
            };
            if (next is null)
            {
                Console.Error.WriteLine(Complaint(arguments[i], value));
                return null;
            }

            i += arguments[i] is "-h" or "--help" or "--mutants" or "--exhaustive" ? 0 : 1;
            options = next;
        }

        return options;
    }

    private static string Complaint(string argument, string? value) => argument switch
    {
        "--seeds" or "--from" or "--trace" or "--states" => $"{argument} needs a number, not '{value}'",
        "--profile" => $"--profile needs one of {string.Join(", ", Enum.GetNames<Profile>())}, not '{value}'",
        "--only" => "--only needs the name of a mutant, or the beginning of it",
        _ => $"unknown argument '{argument}'",
    };
}

internal enum Mode
{
    Seeds,
    Mutants,
    Trace,
    Exhaustive,
    Help,
}

internal sealed record Options
{
    public Mode Mode { get; init; }

    public int? Seeds { get; init; }

    public long? States { get; init; }

    public ulong From { get; init; } = 1;

    public Profile? Profile { get; init; }

    public string? Only { get; init; }
}
