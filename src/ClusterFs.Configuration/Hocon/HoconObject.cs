using System.Collections.Immutable;

namespace ClusterFs.Configuration.Hocon;

/// <summary>Keys and values in the order in which they were first written.</summary>
internal sealed class HoconObject(Place at) : HoconNode(at)
{
    private readonly OrderedDictionary<string, Field> _fields = new(StringComparer.Ordinal);

    /// <param name="SetAt">Every place that gave the key a value; the last one counts.</param>
    public sealed record Field(HoconNode Value, ImmutableArray<Place> SetAt);

    public IEnumerable<string> Keys => _fields.Keys;

    public IEnumerable<KeyValuePair<string, Field>> Fields => _fields;

    public Field? Find(string key) => _fields.GetValueOrDefault(key);

    /// <summary>Objects merge, anything else is replaced.</summary>
    public void Set(string key, HoconNode value, ImmutableArray<Place> setAt)
    {
        if (!_fields.TryGetValue(key, out var earlier))
        {
            _fields[key] = new Field(value, setAt);
            return;
        }

        _fields[key] = new Field(Combine(earlier.Value, value), earlier.SetAt.AddRange(setAt));
    }

    /// <summary>Sets every key of another object here.</summary>
    public void Merge(HoconObject other)
    {
        foreach (var (key, field) in other.Fields)
        {
            Set(key, field.Value, field.SetAt);
        }
    }

    /// <summary>A copy whose keys can be set without changing this one.</summary>
    public HoconObject Copy()
    {
        var copy = new HoconObject(At);
        copy.Merge(this);
        return copy;
    }

    private static HoconNode Combine(HoconNode earlier, HoconNode later)
    {
        if (earlier is HoconObject one && later is HoconObject other)
        {
            var merged = one.Copy();
            merged.Merge(other);
            return merged;
        }

        return IsOpen(earlier) || IsOpen(later) ? new HoconOverride(later.At, earlier, later) : later;
    }

    private static bool IsOpen(HoconNode node) => node is HoconReference or HoconConcatenation or HoconOverride;
}
