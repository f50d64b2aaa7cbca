using ClusterFs.Posix;

namespace ClusterFs.Archive.Manifests;

/// <summary>Extended attributes of a file, as stored: two lists are equal when they hold the same. Never empty.</summary>
public sealed class AttributeList : IEquatable<AttributeList>
{
    private readonly byte[] _stored;

    private AttributeList(byte[] stored) => _stored = stored;

    internal ReadOnlySpan<byte> Stored => _stored;

    public IReadOnlyList<ExtendedAttribute> Attributes => Parse(_stored);

    /// <returns>Null when the file has none.</returns>
    /// <exception cref="PosixException">They cannot be read.</exception>
    public static AttributeList? ReadFrom(string path) => Of(ExtendedAttributes.Read(path));

    /// <returns>Null when there are none.</returns>
    public static AttributeList? Of(IReadOnlyList<ExtendedAttribute> attributes)
    {
        if (attributes.Count == 0)
        {
            return null;
        }

        var writer = new ByteWriter();
        foreach (var attribute in attributes)
        {
            writer.Text(attribute.Name);
            writer.Bytes(attribute.Value);
        }

        return new AttributeList(writer.Written.ToArray());
    }

    /// <exception cref="FormatException">The bytes are no list of attributes.</exception>
    internal static AttributeList? Read(ReadOnlySpan<byte> stored)
    {
        if (stored.IsEmpty)
        {
            return null;
        }

        _ = Parse(stored);
        return new AttributeList(stored.ToArray());
    }

    public bool Equals(AttributeList? other) => other is not null && _stored.AsSpan().SequenceEqual(other._stored);

    public override bool Equals(object? obj) => Equals(obj as AttributeList);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(_stored);
        return hash.ToHashCode();
    }

    private static List<ExtendedAttribute> Parse(ReadOnlySpan<byte> stored)
    {
        var reader = new ByteReader(stored);
        var attributes = new List<ExtendedAttribute>();
        while (!reader.AtEnd)
        {
            var name = reader.Text();
            if (name.Length == 0 || name.Contains('\0'))
            {
                throw new FormatException("an extended attribute has an impossible name");
            }

            attributes.Add(new ExtendedAttribute(name, reader.Bytes().ToArray()));
        }

        return attributes;
    }
}
