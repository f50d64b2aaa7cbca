namespace ClusterFs.Cluster.Tests.Bench;

/// <summary>The overlap checker itself: the other tests are worth no more than it is.</summary>
public sealed class BeatsTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("clusterfs-beats-");

    private Beats Beats => new(_directory.FullName);

    [Fact]
    public void Runs_one_after_the_other_pass()
    {
        Write("wiki.n1.100", "start 10.00", "beat 12.00");
        Write("wiki.n2.200", "start 12.00", "beat 14.00");

        Beats.NeverOverlapped("wiki", runsAtLeast: 2);
    }

    [Fact]
    public void Two_runs_at_once_are_found()
    {
        Write("wiki.n1.100", "start 10.00", "beat 12.50");
        Write("wiki.n2.200", "start 12.40", "beat 14.00");

        Assert.ThrowsAny<Exception>(() => Beats.NeverOverlapped("wiki", runsAtLeast: 2));
    }

    [Fact]
    public void What_a_run_left_behind_counts_as_the_run()
    {
        Write("wiki.n1.100", "start 10.00", "beat 11.00");
        Write("wiki.n1.100.orphan", "start 10.10", "beat 13.00");
        Write("wiki.n2.200", "start 12.40", "beat 14.00");

        Assert.ThrowsAny<Exception>(() => Beats.NeverOverlapped("wiki", runsAtLeast: 2));
    }

    [Fact]
    public void Runs_that_wrote_nothing_down_are_missed()
    {
        Write("wiki.n1.100", "start 10.00", "beat 11.00");

        Assert.ThrowsAny<Exception>(() => Beats.NeverOverlapped("wiki", runsAtLeast: 2));
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private void Write(string file, params string[] lines) => File.WriteAllLines(Path.Combine(_directory.FullName, file), lines);
}
