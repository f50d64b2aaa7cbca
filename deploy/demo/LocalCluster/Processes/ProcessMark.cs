using System.Globalization;
using System.Text;

namespace ClusterFs.Demo.Processes;

/// <summary>
/// An environment variable that every process of one cluster inherits. It finds services that left their parents, sessions and process
/// groups, and nothing that the cluster did not start.
/// </summary>
/// <param name="Cluster">Unique for each cluster that was ever started.</param>
public sealed record ProcessMark(string Cluster)
{
    public const string Variable = "CLUSTERFS_LOCAL_CLUSTER";

    private const int UniquePart = 12;

    public static ProcessMark Unique(string name) => new($"{name}-{Guid.NewGuid().ToString("N")[..UniquePart]}");

    /// <summary>The variable's value for the processes of a node, or of a helper such as the database.</summary>
    public string ValueFor(string owner) => $"{Cluster}/{owner}";

    /// <summary>The ids of all living processes of the cluster.</summary>
    public IReadOnlyList<int> Processes() => Find($"{Variable}={Cluster}/", whole: false, also: null);

    /// <summary>The ids of all living processes of a node.</summary>
    public IReadOnlyList<int> ProcessesOf(string owner) => Find($"{Variable}={ValueFor(owner)}", whole: true, also: null);

    /// <summary>The ids of a node's living processes that have another variable too.</summary>
    public IReadOnlyList<int> ProcessesOf(string owner, string variable) => Find($"{Variable}={ValueFor(owner)}", whole: true, variable);

    private static List<int> Find(string entry, bool whole, string? also)
    {
        var found = new List<int>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                || id == Environment.ProcessId)
            {
                continue;
            }

            var environment = ReadEnvironment(directory);
            if (environment.Any(value => whole ? value == entry : value.StartsWith(entry, StringComparison.Ordinal))
                && (also is null || environment.Contains(also)))
            {
                found.Add(id);
            }
        }

        return found;
    }

    /// <summary>Empty for a process that has ended, also when nobody has taken its exit code yet.</summary>
    private static string[] ReadEnvironment(string directory)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(directory, "environ"))).Split('\0');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
