using System.Collections.Immutable;
using System.Text;

namespace ClusterFs.Configuration.Hocon;

/// <summary>Puts values in the place of references, once everything is read.</summary>
internal sealed class HoconResolver
{
    /// <summary>How long a chain of references may be; a longer one would end the process by exhausting its stack.</summary>
    private const int MaxDepth = 200;

    /// <summary>How much references may multiply what was written: far above any real configuration.</summary>
    private const int MaxSteps = 100_000;

    private const int MaxLength = 1 << 20;

    private readonly HoconObject _root;
    private readonly Func<string, string?> _environment;
    private readonly List<ConfigurationError> _errors;
    private readonly Dictionary<HoconNode, HoconNode?> _done = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<HoconNode> _open = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private int _depth;
    private int _steps;

    public HoconResolver(HoconObject root, Func<string, string?> environment, List<ConfigurationError> errors)
    {
        _root = root;
        _environment = environment;
        _errors = errors;
    }

    /// <summary>The first part of every name that some reference uses.</summary>
    public IReadOnlySet<string> Used => _used;

    /// <summary>The root with every reference replaced; what could not be is broken, and reported among the errors.</summary>
    public HoconObject Resolve() => Resolve(_root) as HoconObject ?? new HoconObject(_root.At);

    private HoconNode? Resolve(HoconNode node)
    {
        if (node is HoconText or HoconBroken)
        {
            return node;
        }

        if (_done.TryGetValue(node, out var known))
        {
            return known;
        }

        if (!_open.Add(node))
        {
            return Broken(node, "this value is made of itself", "expected no circle of references");
        }

        _depth++;
        var resolved = _depth > MaxDepth || ++_steps > MaxSteps
            ? Broken(node, "too many references lead to one another", "expected fewer")
            : ResolveAnew(node);
        _depth--;
        _open.Remove(node);
        _done[node] = resolved;
        return resolved;
    }

    private HoconNode? ResolveAnew(HoconNode node) => node switch
    {
        HoconObject fields => ResolveFields(fields),
        HoconArray array => new HoconArray(array.At, [.. array.Items.Select(Resolve).OfType<HoconNode>()]),
        HoconReference reference => ResolveReference(reference),
        HoconConcatenation concatenation => Join(concatenation),
        HoconOverride layered => Layer(layered),
        _ => node,
    };

    private HoconObject ResolveFields(HoconObject fields)
    {
        var result = new HoconObject(fields.At);
        foreach (var (key, field) in fields.Fields)
        {
            if (Resolve(field.Value) is { } value)
            {
                result.Set(key, value, field.SetAt);
            }
        }

        return result;
    }

    private HoconNode? ResolveReference(HoconReference reference)
    {
        _used.Add(reference.Path[0]);
        HoconNode? found = _root;
        foreach (var key in reference.Path)
        {
            // Only what lies on the way is resolved: a neighbour may well refer back to this object.
            found = found is null or HoconObject ? found : Resolve(found);
            found = (found as HoconObject)?.Find(key)?.Value;
        }

        found = found is null ? null : Resolve(found);
        if (found is not null and not HoconText { IsNull: true })
        {
            return found;
        }

        if (found is null && _environment(reference.Name) is { } variable)
        {
            return new HoconText(reference.At, variable, quoted: true);
        }

        return reference.Optional
            ? null
            : Broken(
                reference,
                $"${{{reference.Name}}} is neither a key nor an environment variable",
                $"define it, or write ${{?{reference.Name}}} if it may be missing");
    }

    private HoconNode? Layer(HoconOverride layered)
    {
        var later = Resolve(layered.Later);
        if (later is not (null or HoconObject))
        {
            return later;
        }

        var earlier = Resolve(layered.Earlier);
        return (earlier, later) switch
        {
            (_, null) => earlier,
            (HoconObject one, HoconObject other) => Merge(one, other),
            _ => later,
        };
    }

    private static HoconObject Merge(HoconObject one, HoconObject other)
    {
        var merged = one.Copy();
        merged.Merge(other);
        return merged;
    }

    private HoconNode? Join(HoconConcatenation concatenation)
    {
        var parts = concatenation.Parts.Select(Resolve).OfType<HoconNode>().ToList();
        var solid = parts.Where(part => !IsSpace(part)).ToList();
        if (solid.Find(part => part is HoconBroken) is { } broken)
        {
            return broken;
        }

        if (solid.Count == 0)
        {
            return null;
        }

        if (solid.TrueForAll(part => part is HoconText))
        {
            return JoinTexts(concatenation, parts.Cast<HoconText>());
        }

        if (solid.TrueForAll(part => part is HoconObject))
        {
            return solid.Cast<HoconObject>().Aggregate(Merge);
        }

        if (solid.TrueForAll(part => part is HoconArray))
        {
            ImmutableArray<HoconNode> items = [.. solid.Cast<HoconArray>().SelectMany(array => array.Items).Take(MaxSteps + 1)];
            return items.Length > MaxSteps ? TooLong(concatenation) : new HoconArray(concatenation.At, items);
        }

        return Broken(
            concatenation, "a text, an array or an object follows another kind of value", "expected values of one kind on one line");
    }

    private HoconNode JoinTexts(HoconConcatenation concatenation, IEnumerable<HoconText> parts)
    {
        var text = new StringBuilder();
        var quoted = false;
        foreach (var part in parts)
        {
            text.Append(part.Text);
            quoted |= part.Quoted;
            if (text.Length > MaxLength)
            {
                return TooLong(concatenation);
            }
        }

        return new HoconText(concatenation.At, quoted ? text.ToString() : text.ToString().Trim(), quoted);
    }

    private static bool IsSpace(HoconNode part) => part is HoconText { Quoted: false } text && string.IsNullOrWhiteSpace(text.Text);

    private HoconBroken TooLong(HoconNode node) => Broken(node, "references make this value far too long", "expected a shorter one");

    private HoconBroken Broken(HoconNode node, string problem, string expected)
    {
        _errors.Add(new ConfigurationError(node.At.File, node.At.Line, "", problem, expected));
        return new HoconBroken(node.At);
    }
}
