using System.Security.Cryptography;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Restore;

/// <summary>All that makes another tree of one, in the order in which it is done, but for the bytes, which are staged. Immutable.</summary>
/// <param name="PagesHash">The XxHash3 of the staged pages.</param>
/// <param name="PageSeed">Of the hashes of pages by which the files that are patched are known.</param>
internal sealed record ChangePlan(IReadOnlyList<PlannedChange> Changes, long PagesLength, ulong PagesHash, long PageSeed)
{
    private const byte AbsentKind = 1;
    private const byte DirectoryKind = 2;
    private const byte PlacedKind = 3;
    private const byte LinkedKind = 4;
    private const byte PatchedKind = 5;
    private const byte AttributedKind = 6;
    private const byte TimeFlag = 1;
    private const byte AttributesFlag = 2;
    private const byte DirectoryFlag = 4;

    private static ReadOnlySpan<byte> Magic => "ClusterFs plan 1"u8;

    /// <summary>By what a plan is known: so no other, nor a damaged one, is followed.</summary>
    public static Digest DigestOf(ReadOnlySpan<byte> written) => Digest.Read(SHA256.HashData(written));

    public byte[] Write()
    {
        var target = new ByteWriter();
        target.Raw(Magic);
        target.Number(PagesLength);
        target.Fixed((long)PagesHash);
        target.Fixed(PageSeed);
        target.Number(Changes.Count);
        foreach (var change in Changes)
        {
            Write(target, change);
        }

        return target.Written.ToArray();
    }

    /// <exception cref="FormatException">The bytes are no plan that this version knows.</exception>
    public static ChangePlan Read(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(Magic))
        {
            throw new FormatException("it is of another version, or no plan");
        }

        var source = new ByteReader(bytes[Magic.Length..]);
        var length = source.Long();
        var hash = (ulong)source.Fixed();
        var seed = source.Fixed();
        var changes = new List<PlannedChange>();
        for (var left = source.Int(); left > 0; left--)
        {
            changes.Add(Read(ref source, length));
        }

        return source.AtEnd ? new ChangePlan(changes, length, hash, seed) : throw new FormatException("something follows its end");
    }

    private static void Write(ByteWriter target, PlannedChange change)
    {
        target.Byte(change switch
        {
            PlannedChange.Absent => AbsentKind,
            PlannedChange.MadeDirectory => DirectoryKind,
            PlannedChange.Placed => PlacedKind,
            PlannedChange.Linked => LinkedKind,
            PlannedChange.Patched => PatchedKind,
            _ => AttributedKind,
        });
        target.Text(change.Path);
        switch (change)
        {
            case PlannedChange.Placed placed:
                target.Number(placed.Staged);
                break;
            case PlannedChange.Linked linked:
                target.Text(linked.First);
                break;
            case PlannedChange.Patched patched:
                Write(target, patched);
                break;
            case PlannedChange.Attributed attributed:
                Write(target, attributed);
                break;
        }
    }

    private static void Write(ByteWriter target, PlannedChange.Patched patched)
    {
        target.Number(patched.Size);
        target.Digest(patched.Digest);
        target.Number(patched.Start);
        target.Number(patched.Ranges.Count);
        var at = 0L;
        foreach (var (offset, length, isHole) in patched.Ranges)
        {
            target.Number(offset - at);
            target.Number(length);
            target.Byte((byte)(isHole ? 1 : 0));
            at = offset + length;
        }
    }

    private static void Write(ByteWriter target, PlannedChange.Attributed attributed)
    {
        target.Byte((byte)((attributed.ModifiedNs is null ? 0 : TimeFlag)
            | (attributed.Attributes is null ? 0 : AttributesFlag)
            | (attributed.IsDirectory ? DirectoryFlag : 0)));
        target.Number((ulong)attributed.Mode);
        target.Number((ulong)attributed.User);
        target.Number((ulong)attributed.Group);
        if (attributed.ModifiedNs is { } time)
        {
            target.Fixed(time);
        }

        if (attributed.Attributes is { } list)
        {
            target.Bytes(list.Stored);
        }
    }

    private static PlannedChange Read(ref ByteReader source, long pagesLength)
    {
        var kind = source.Byte();
        var path = source.Text();
        if (path.Length == 0 ? kind != AttributedKind : ManifestRules.PathObjection(path) is not null)
        {
            throw new FormatException($"'{path}' is no possible path");
        }

        return kind switch
        {
            AbsentKind => new PlannedChange.Absent(path),
            DirectoryKind => new PlannedChange.MadeDirectory(path),
            PlacedKind => new PlannedChange.Placed(path, source.Int()),
            LinkedKind => new PlannedChange.Linked(path, ReadFirst(ref source)),
            PatchedKind => ReadPatched(ref source, path, pagesLength),
            AttributedKind => ReadAttributed(ref source, path),
            _ => throw new FormatException($"a change is of the unknown kind {kind}"),
        };
    }

    private static string ReadFirst(ref ByteReader source)
    {
        var first = source.Text();
        return ManifestRules.PathObjection(first) is null ? first : throw new FormatException($"'{first}' is no possible path");
    }

    private static PlannedChange.Patched ReadPatched(ref ByteReader source, string path, long pagesLength)
    {
        var size = source.Long();
        var digest = source.Digest();
        var start = source.Long();
        var ranges = new List<PatchedRange>();
        var (at, staged) = (0L, start);
        for (var left = source.Int(); left > 0; left--)
        {
            var gap = source.Long();
            var length = source.Long();
            var isHole = source.Byte() != 0;
            if (gap > size - at || length == 0 || length > size - at - gap || (!isHole && (staged > pagesLength || length > pagesLength - staged)))
            {
                throw new FormatException($"a range of '{path}' lies outside of it");
            }

            ranges.Add(new PatchedRange(at + gap, length, isHole));
            at += gap + length;
            staged += isHole ? 0 : length;
        }

        return new PlannedChange.Patched(path, size, digest, start, ranges);
    }

    private static PlannedChange.Attributed ReadAttributed(ref ByteReader source, string path)
    {
        var flags = source.Byte();
        var (mode, user, group) = (source.Word(), source.Word(), source.Word());
        long? time = (flags & TimeFlag) != 0 ? source.Fixed() : null;
        var attributes = (flags & AttributesFlag) != 0 ? AttributeList.Read(source.Bytes()) : null;
        return new PlannedChange.Attributed(path, mode, user, group, time, attributes, (flags & DirectoryFlag) != 0);
    }
}
