using System.Globalization;
using ClusterFs.Demo;

namespace ClusterFs.Cluster.Tests.Bench;

/// <summary>What the services wrote down about their own lives, and the proof that no two of them overlapped.</summary>
internal sealed class Beats(string directory)
{
    /// <summary>The script that runs around a service, and the file that it beats to; the shell's process id makes it unique.</summary>
    public IReadOnlyList<string> Around(ClusterNode node, string service, string kind)
    {
        Directory.CreateDirectory(directory);
        var script = Path.Combine(AppContext.BaseDirectory, "Services", "beat.sh");
        return ["sh", script, Path.Combine(directory, $"{service}.{node.Name}"), kind];
    }

    public IReadOnlyList<Life> LivesOf(string service)
    {
        if (!Directory.Exists(directory))
        {
            return [];
        }

        // SERVICE.NODE.PROCESS and what it left behind as SERVICE.NODE.PROCESS.orphan are one run of the service.
        var runs = Directory.EnumerateFiles(directory, $"{service}.*")
            .GroupBy(file => string.Join('.', Path.GetFileName(file).Split('.').Take(3)));
        return [.. runs.Select(run => LifeOf(run.Key, run)).OrderBy(life => life.From)];
    }

    /// <summary>No process of one run was alive while a process of another one was.</summary>
    public void NeverOverlapped(string service, int runsAtLeast)
    {
        var lives = LivesOf(service);
        Assert.True(lives.Count >= runsAtLeast, $"{runsAtLeast} runs of {service} were expected: {string.Join("; ", lives)}");
        foreach (var (earlier, later) in lives.Zip(lives.Skip(1)))
        {
            Assert.True(later.From >= earlier.To, $"two writers at once: {earlier} and {later}");
        }
    }

    private static Life LifeOf(string run, IEnumerable<string> files)
    {
        var times = files.SelectMany(File.ReadAllLines)
            .Select(line => line.Split(' '))
            .Where(words => words.Length == 2)
            .Select(words => decimal.Parse(words[1], CultureInfo.InvariantCulture))
            .ToList();
        return new Life(run, times.Min(), times.Max());
    }

    /// <summary>The first and the last sign of one run, in seconds of the boot-time clock.</summary>
    internal sealed record Life(string Run, decimal From, decimal To);
}
