using System.Globalization;
using System.Text.RegularExpressions;
using ClusterFs.Demo;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Cluster.Tests.Recipes;

/// <summary>
/// A directory of deploy/recipes, followed on the nodes of a cluster on one machine: the very files, but for paths and addresses, which have to differ
/// from node to node there.
/// </summary>
/// <param name="name">Of the directory.</param>
/// <param name="service">As its configuration names it.</param>
/// <param name="unit">What it runs as: a file of the recipe, or of the distribution.</param>
/// <param name="livePath">As its configuration names it.</param>
/// <param name="ports">Which it listens on, as its files say.</param>
/// <param name="firstPort">How far from the first free one they are here.</param>
internal abstract partial class Recipe(string name, string service, string unit, string livePath, int[] ports, int firstPort)
{
    private const string Installed = "/etc/clusterfs/recipes/";
    private const string Addresses = "10.0.0.";
    private const int LoadBalancer = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public string Service => service;

    /// <summary>Null where all of its packages are installed, otherwise what is missing.</summary>
    public abstract string? Missing { get; }

    /// <summary>For how long a planned move may wait for the service itself; zero where it stops at once.</summary>
    public virtual TimeSpan LongestStop => TimeSpan.Zero;

    /// <summary>The file of the recipe that configures the service in ClusterFs.</summary>
    protected virtual string Configuration => "clusterfs.conf";

    /// <summary>What its clients connect to.</summary>
    protected string Host { get; private set; } = "";

    /// <summary>What else is elsewhere on a node of one machine, as pairs of text.</summary>
    protected virtual IEnumerable<(string Original, string Here)> Differences(ClusterNode node) => [];

    /// <summary>Where its content lies on a node.</summary>
    public virtual string LivePath(ClusterNode node) => node.LivePath(service);

    public abstract RecipeClient Connect();

    /// <summary>What is done by hand on a node before the service is there.</summary>
    public abstract Task Prepare(ClusterNode node);

    /// <summary>What is done by hand where it runs for the first time.</summary>
    public virtual Task Begin(ClusterNode node) => Task.CompletedTask;

    /// <summary>Puts its files on a node, and has the node's configuration include its part.</summary>
    public async Task Install(LocalCluster cluster, ClusterNode node)
    {
        Host = AddressOf(cluster, LoadBalancer);
        await Prepare(node);
        foreach (var file in Directory.EnumerateFiles(Source, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(Here(node), Path.GetRelativePath(Source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            await File.WriteAllTextAsync(copy, Localised(cluster, node, await File.ReadAllTextAsync(file)));
            File.SetUnixFileMode(copy, File.GetUnixFileMode(file));
        }

        // There is no systemd here: `clusterfs run` starts what the unit would.
        var configuration = Path.Combine(Here(node), Configuration);
        await File.WriteAllTextAsync(configuration, UnitLine().Replace(await File.ReadAllTextAsync(configuration), ""));
        await File.AppendAllTextAsync(node.ConfigurationFile, $"include \"{configuration}\"\n");
    }

    /// <summary>What the unit starts on a node.</summary>
    public IReadOnlyList<string> Command(LocalCluster cluster, ClusterNode node)
    {
        string[] places = [Path.Combine(Here(node), unit), $"/usr/lib/systemd/system/{unit}", $"/lib/systemd/system/{unit}"];
        var directory = Path.Combine(Here(node), $"{unit}.d");
        string[] dropIns = Directory.Exists(directory) ? [.. Directory.EnumerateFiles(directory).Order()] : [];
        return UnitFile.Command(
            [Localised(cluster, node, File.ReadAllText(places.First(File.Exists))), .. dropIns.Select(File.ReadAllText)]);
    }

    /// <summary>Its configuration of HAProxy, as a file of the cluster.</summary>
    public string LoadBalancing(LocalCluster cluster)
    {
        var file = Path.Combine(cluster.Directory, $"haproxy-{name}.cfg");
        File.WriteAllText(file, Localised(cluster, null, File.ReadAllText(Path.Combine(Source, "haproxy.cfg"))));
        return file;
    }

    /// <summary>Where a port of the recipe is here.</summary>
    protected int Port(LocalCluster cluster, int original) => cluster.Ports.Service + firstPort + Array.IndexOf(ports, original);

    /// <summary>A directory, of a user and his group where this is root.</summary>
    protected static async Task MakeDirectory(string path, string user)
    {
        Directory.CreateDirectory(path);
        if (Posix.Processes.IsRoot)
        {
            await Run("chown", $"{user}:{user}", path);
        }
    }

    protected static async Task<string> Run(params string[] command) =>
        (await Demo.Processes.Command.Run(command, new Dictionary<string, string>(), Patience)).Successful().Output;

    protected static string? MissingProgram(string package, string file) =>
        File.Exists(file) ? null : $"{file} is missing: apt-get install {package}";

    private string Source => Path.Combine(AppContext.BaseDirectory, "recipes", name);

    private string Here(ClusterNode node) => Path.Combine(node.Directory, "recipes", name);

    private string Localised(LocalCluster cluster, ClusterNode? node, string text)
    {
        List<(string Original, string Here)> all = [];
        if (node is not null)
        {
            all.AddRange([.. Differences(node), (livePath, LivePath(node)), (Installed, Path.Combine(node.Directory, "recipes") + "/")]);
        }

        all.AddRange([(Addresses, AddressOf(cluster, 0)[..^1]), ("port 4080", $"port {cluster.Ports.Http}")]);
        if (node is not null)
        {
            all.Add(("0.0.0.0", node.Address));
        }

        foreach (var (original, here) in all)
        {
            text = text.Replace(original, here, StringComparison.Ordinal);
        }

        return ports.Aggregate(text, (changed, port) => Regex.Replace(
            changed, $@"(?<![\w./]){port}(?!\w)", Port(cluster, port).ToString(CultureInfo.InvariantCulture)));
    }

    private static string AddressOf(LocalCluster cluster, int host) => cluster.Site.AddressOf(host);

    [GeneratedRegex(@"^\s*unit = .*\n", RegexOptions.Multiline)]
    private static partial Regex UnitLine();
}
