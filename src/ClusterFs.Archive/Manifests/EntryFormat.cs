using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Manifests;

/// <summary>The bytes of an entry in a leaf. The path leaves out what it shares with the path before.</summary>
internal static class EntryFormat
{
    private const byte KindMask = 0x0F;
    private const byte FileKindNumber = 1;
    private const byte DirectoryKindNumber = 2;
    private const byte LinkKindNumber = 3;
    private const byte SameKindNumber = 4;
    private const byte TornFlag = 0x10;
    private const byte AttributesFlag = 0x20;
    private const byte PagedFlag = 0x40;
    private const byte SharedFlag = 0x80;

    public static void Write(ByteWriter target, PackTable packs, ManifestEntry entry, string before)
    {
        var kind = entry.Kind switch
        {
            FileKind.Directory => DirectoryKindNumber,
            FileKind.SymbolicLink => LinkKindNumber,
            _ => entry.SameAs is null ? FileKindNumber : SameKindNumber,
        };
        target.Byte((byte)(kind
            | (entry.ChangedWhileCopied ? TornFlag : 0)
            | (entry.Attributes is null ? 0 : AttributesFlag)
            | (entry.Content is { Paged: true } ? PagedFlag : 0)
            | (entry.IsShared ? SharedFlag : 0)));
        var shared = Shared(before, entry.Path);
        target.Number(shared);
        target.Text(entry.Path.AsSpan(shared));
        target.Number((ulong)entry.Mode);
        target.Number((ulong)entry.User);
        target.Number((ulong)entry.Group);
        target.Fixed(entry.ModifiedNs);
        if (entry.Attributes is { } attributes)
        {
            target.Bytes(attributes.Stored);
        }

        switch (kind)
        {
            case LinkKindNumber:
                target.Text(entry.Target);
                break;
            case SameKindNumber:
                target.Byte((byte)entry.Method);
                target.Text(entry.SameAs);
                break;
            case FileKindNumber:
                target.Byte((byte)entry.Method);
                WriteContent(target, packs, entry.Content!);
                break;
        }
    }

    /// <exception cref="FormatException">It is no entry that this version knows.</exception>
    public static ManifestEntry Read(ref ByteReader source, PackId[] packs, string before)
    {
        var head = source.Byte();
        var shared = source.Int();
        if (shared > before.Length)
        {
            throw new FormatException("a path shares more than there is");
        }

        var path = string.Concat(before.AsSpan(0, shared), source.Text());
        var entry = new ManifestEntry(path, KindOf(head), source.Word(), source.Word(), source.Word(), source.Fixed())
        {
            ChangedWhileCopied = (head & TornFlag) != 0,
            IsShared = (head & (SharedFlag | KindMask)) == (SharedFlag | FileKindNumber),
            Attributes = (head & AttributesFlag) != 0 ? AttributeList.Read(source.Bytes()) : null,
        };
        return (head & KindMask) switch
        {
            LinkKindNumber => entry with { Target = source.Text() },
            SameKindNumber => entry with { Method = MethodOf(source.Byte()), SameAs = source.Text() },
            FileKindNumber => entry with
            {
                Method = MethodOf(source.Byte()),
                Content = ReadContent(ref source, packs, (head & PagedFlag) != 0),
            },
            _ => entry,
        };
    }

    private static FileKind KindOf(byte head) => (head & KindMask) switch
    {
        FileKindNumber or SameKindNumber => FileKind.File,
        DirectoryKindNumber => FileKind.Directory,
        LinkKindNumber => FileKind.SymbolicLink,
        var other => throw new FormatException($"an entry is of the unknown kind {other}"),
    };

    private static CaptureMethod MethodOf(byte method) =>
        method <= (byte)CaptureMethod.Raw ? (CaptureMethod)method : throw new FormatException($"a file was captured by the unknown method {method}");

    private static void WriteContent(ByteWriter target, PackTable packs, FileContent content)
    {
        target.Number(content.Size);
        target.Digest(content.Digest);
        if (content.Root is { } root)
        {
            packs.WritePiece(target, root);
        }
    }

    private static FileContent ReadContent(ref ByteReader source, PackId[] packs, bool paged)
    {
        var size = source.Long();
        var digest = source.Digest();
        return new FileContent(size, digest)
        {
            Paged = paged,
            Root = size > 0 ? PackTable.ReadPiece(ref source, packs) : null,
        };
    }

    private static int Shared(string one, string other)
    {
        var shared = one.AsSpan().CommonPrefixLength(other);

        // A character beyond the basic plane is two: it is not cut in half.
        return shared > 0 && char.IsHighSurrogate(one[shared - 1]) ? shared - 1 : shared;
    }
}
