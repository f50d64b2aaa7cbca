using ClusterFs.Demo.Processes;

namespace ClusterFs.Faults.Rig;

/// <summary>How everything is called that one rig makes on this machine: unique, and found again when its driver was killed.</summary>
/// <param name="Mark">On every process.</param>
internal sealed record RigNames(ProcessMark Mark)
{
    /// <summary>Short: sockets are below it, whose paths have to stay under 108 bytes.</summary>
    public const string Parent = "/run/clusterfs-fault";

    public const string Switch = "switch";

    public string Directory => Path.Combine(Parent, Mark.Cluster);

    public string NamespaceOf(string host) => $"{Mark.Cluster}-{host}";

    /// <summary>The name of a namespace is a file here.</summary>
    public string NamespaceFileOf(string host) => Path.Combine("/run/netns", NamespaceOf(host));

    /// <summary>Undoes everything that is not a process.</summary>
    public string Removal => $$"""
        for attempt in 1 2 3; do
            awk '$2 == "{{Directory}}" || index($2, "{{Directory}}/") == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r mount; do
                umount "$mount" 2>/dev/null || umount -l "$mount"
            done
        done
        for namespace in /run/netns/{{Mark.Cluster}}-*; do
            [ ! -e "$namespace" ] || ip netns del "${namespace##*/}"
        done
        rmdir '{{Directory}}' 2>/dev/null || [ ! -e '{{Directory}}' ]
        """;
}
