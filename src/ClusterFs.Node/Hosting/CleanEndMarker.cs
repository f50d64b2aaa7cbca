namespace ClusterFs.Node.Hosting;

/// <summary>A file that is there while the daemon runs, and afterwards only if it did not end in order.</summary>
internal sealed class CleanEndMarker
{
    private readonly string _path;

    public CleanEndMarker(string directory)
    {
        _path = Path.Combine(directory, "running");
        PredecessorEndedUncleanly = File.Exists(_path);
        File.WriteAllText(_path, Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    public bool PredecessorEndedUncleanly { get; }

    public void EndedCleanly() => File.Delete(_path);
}
