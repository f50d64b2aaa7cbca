using ClusterFs.Demo.Processes;

namespace ClusterFs.Demo.Layout;

/// <summary>Where the hosts of a cluster are: their addresses, their directories, and what surrounds their processes.</summary>
public abstract class ClusterSite
{
    /// <summary>Set on every process of the cluster.</summary>
    public abstract ProcessMark Mark { get; }

    /// <summary>Holds everything that the cluster writes.</summary>
    public abstract string Directory { get; }

    public abstract Ports Ports { get; }

    /// <summary>Where the private database server answers.</summary>
    public abstract string DatabaseAddress { get; }

    /// <summary>A shell script that deletes whatever the site is made of; it runs when all processes are gone, also if the driver is killed.</summary>
    public abstract string Removal { get; }

    /// <summary>The shared directory as whoever sets the cluster up sees it.</summary>
    public string SharedDirectory => Path.Combine(Directory, "shared");

    public string DatabaseDirectory => Path.Combine(Directory, "pg");

    /// <param name="node">1 and up.</param>
    public abstract string AddressOf(int node);

    /// <summary>The shared directory as a node sees it.</summary>
    public virtual string SharedDirectoryOf(string node) => SharedDirectory;

    /// <summary>A node's local disk: its state and its live content.</summary>
    public virtual string DiskOf(string node) => Path.Combine(Directory, node);

    /// <summary>What stands before every command line on a host.</summary>
    /// <param name="host">A node's name, or <c>database</c>.</param>
    public virtual IReadOnlyList<string> Enter(string host) => [];

    /// <summary>Further environment variables of a node's processes.</summary>
    public virtual IReadOnlyDictionary<string, string> SurroundingsOf(string host) => new Dictionary<string, string>();
}
