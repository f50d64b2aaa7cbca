using System.Collections.Immutable;

namespace ClusterFs.Content.Static;

/// <summary>What a node's static contents know of the world around them.</summary>
public interface IStaticSurroundings
{
    /// <summary>Nodes that are up and answer; null while this node is in no cluster. Never waits.</summary>
    ImmutableHashSet<string>? Reachable { get; }

    /// <summary>What other nodes said last of a content. Never waits.</summary>
    IReadOnlyDictionary<string, NodeSighting> SightingsOf(string service, string name);

    /// <summary>This node has something to say.</summary>
    void Tell(string service, string name, NodeSighting sighting);

    /// <summary>For the log.</summary>
    void Log(StaticNews news, string service, string name, string words);
}
