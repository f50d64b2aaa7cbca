using ClusterFs.Archive.Log;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>A dump's list of entries, read from the archive as it is enumerated.</summary>
public sealed class Manifest
{
    private readonly PackReader _reader;

    private Manifest(PackReader reader, ManifestRoot head)
    {
        _reader = reader;
        Head = head;
    }

    public string Nonce => Head.Nonce;

    /// <summary>The directory that the live path names.</summary>
    public RootAttributes Root => Head.Root;

    internal ManifestRoot Head { get; }

    /// <summary>Reads the head of a manifest and checks it against its hash.</summary>
    internal static Manifest Open(PackReader reader, ManifestLocation location, string service)
    {
        var file = reader.FileOf(PackId.Parse(location.Pack));
        var head = ManifestRoot.Read(file, reader.ReadManifest(location));
        if (ManifestRules.RootObjection(head.Root) is { } objection)
        {
            throw new HostileManifestException(file, objection);
        }

        return head.Service == service
            ? new Manifest(reader, head)
            : throw new DamagedArchiveException(file, $"it belongs to service '{head.Service}' instead of '{service}'");
    }

    /// <summary>All entries, in order, each read and checked when its turn comes.</summary>
    /// <exception cref="DamagedArchiveException">While enumerating: a part of the list is not what was written.</exception>
    /// <exception cref="HostileManifestException">While enumerating: an entry is none that a dump of ours contains.</exception>
    internal IEnumerable<ManifestEntry> Entries()
    {
        var rules = new ManifestRules();
        if (Head.List is not { } root)
        {
            yield break;
        }

        foreach (var (node, _) in Nodes(root, Head.Level).Where(pair => pair.Level == 0))
        {
            foreach (var entry in Parse(node, bytes => EntryList.ReadLeaf(bytes)))
            {
                if (rules.Objection(entry) is { } objection)
                {
                    throw new HostileManifestException(_reader.FileOf(node.Place.Pack), objection);
                }

                yield return entry;
            }
        }
    }

    /// <summary>Reads the whole list and refuses it if a restore must not follow it.</summary>
    internal void Check()
    {
        foreach (var _ in Entries())
        {
        }
    }

    /// <summary>All nodes of the list, without reading the leaves.</summary>
    internal Dictionary<Digest, Piece> KnownNodes()
    {
        var known = new Dictionary<Digest, Piece>();
        if (Head.List is { } root)
        {
            foreach (var (node, _) in Nodes(root, Head.Level))
            {
                known[node.Digest] = node.Place;
            }
        }

        return known;
    }

    /// <summary>The entries in those parts of the list that were not met before, in other dumps.</summary>
    /// <param name="packs">Gets the packs that the list lies in.</param>
    internal IEnumerable<ManifestEntry> NewEntries(HashSet<PackId> packs, HashSet<Piece> met) =>
        Head.List is { } root ? NewEntries(root, Head.Level, packs, met) : [];

    private IEnumerable<ManifestEntry> NewEntries(ListNode node, int level, HashSet<PackId> packs, HashSet<Piece> met)
    {
        packs.Add(node.Place.Pack);
        if (!met.Add(node.Place))
        {
            return [];
        }

        return level switch
        {
            0 => Parse(node, bytes => EntryList.ReadLeaf(bytes)),
            < 0 or > EntryList.MaxLevel => throw new HostileManifestException(_reader.FileOf(node.Place.Pack), $"its list has {level} levels"),
            _ => Parse(node, bytes => EntryList.ReadInner(bytes, level)).SelectMany(child => NewEntries(child, level - 1, packs, met)),
        };
    }

    private IEnumerable<(ListNode Node, int Level)> Nodes(ListNode node, int level)
    {
        yield return (node, level);
        if (level is < 0 or > EntryList.MaxLevel)
        {
            throw new HostileManifestException(_reader.FileOf(node.Place.Pack), $"its list has {level} levels");
        }

        if (level == 0)
        {
            yield break;
        }

        foreach (var child in Parse(node, bytes => EntryList.ReadInner(bytes, level)))
        {
            foreach (var inner in Nodes(child, level - 1))
            {
                yield return inner;
            }
        }
    }

    private List<T> Parse<T>(ListNode node, Func<byte[], List<T>> parse)
    {
        const string what = "the list of files";
        var bytes = _reader.Read(node.Place, what);
        if (Digest.Of(bytes) != node.Digest)
        {
            throw new DamagedArchiveException(_reader.FileOf(node.Place.Pack), $"the SHA-256 of a part of {what} does not match");
        }

        try
        {
            return parse(bytes);
        }
        catch (FormatException error)
        {
            throw new HostileManifestException(_reader.FileOf(node.Place.Pack), error.Message);
        }
    }
}
