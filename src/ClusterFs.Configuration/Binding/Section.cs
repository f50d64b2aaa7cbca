using System.Collections.Immutable;
using System.Globalization;
using ClusterFs.Configuration.Hocon;

namespace ClusterFs.Configuration.Binding;

/// <summary>
/// An object of the configuration while its keys are read: each by name, with its type, range and default. What nobody asked for
/// is unknown, and reported by <see cref="Finish"/>.
/// </summary>
internal sealed class Section
{
    private readonly BindingContext _context;
    private readonly HoconObject? _object;
    private readonly string _pattern;
    private readonly SortedSet<string> _known = new(StringComparer.Ordinal);

    private Section(BindingContext context, HoconObject? fields, Place at, string key, string pattern, bool valid)
    {
        _context = context;
        _object = fields;
        _pattern = pattern;
        At = at;
        Key = key;
        Valid = valid;
    }

    /// <summary>Where it was written; where it is missing, the place of what it should be in.</summary>
    public Place At { get; }

    /// <summary>The full key.</summary>
    public string Key { get; }

    /// <summary>False when something else than an object was written, which was reported.</summary>
    public bool Valid { get; }

    public bool IsWritten => _object is not null;

    /// <summary>The names in a section whose names users choose.</summary>
    public IEnumerable<(string Name, ImmutableArray<Place> SetAt)> Names =>
        _object?.Fields.Where(entry => !IsUnset(entry.Value.Value)).Select(entry => (entry.Key, entry.Value.SetAt)) ?? [];

    public static Section Root(BindingContext context, HoconObject root) => new(context, root, root.At, "", "", valid: true);

    /// <summary>A section inside this one; a missing one has no keys.</summary>
    public Section Child(string name) => ChildOf(name, name);

    /// <summary>Whether a key holds an object, where it may hold something else.</summary>
    public bool HoldsSection(string name) => _object?.Find(name)?.Value is HoconObject;

    /// <summary>Where a key was written; where it is missing, the place of what it should be in.</summary>
    public Place PlaceOf(string name) => Find(name).At;

    /// <summary>A section whose name the user chose.</summary>
    public Section NamedChild(string name) => ChildOf(name, "*");

    public Bound<string?> Text(string name) => Text(name, known: name);

    /// <summary>A text whose name the user chose.</summary>
    public Bound<string?> NamedText(string name) => Text(name, known: "*");

    public Bound<string> RequiredText(string name, string expected)
    {
        var text = Text(name);
        if (text.Valid && text.Value is null)
        {
            return Missing(name, "", expected);
        }

        if (text.Valid && text.Value!.Trim().Length == 0)
        {
            return Wrong(text.At, name, "", "is empty", expected);
        }

        return new Bound<string>(text.Value ?? "", text.At, text.Key, text.Valid);
    }

    public Bound<int> Integer(string name, int otherwise, int min, int max)
    {
        var text = Text(name);
        if (!text.Valid || text.Value is null)
        {
            return new Bound<int>(otherwise, text.At, text.Key, text.Valid);
        }

        var expected = $"expected a whole number from {min} to {max}";
        if (!long.TryParse(text.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return Wrong(text.At, name, otherwise, $"'{text.Value}' is no whole number", expected);
        }

        return number >= min && number <= max
            ? new Bound<int>((int)number, text.At, text.Key, Valid: true)
            : Wrong(text.At, name, otherwise, $"{number} is out of range", expected);
    }

    public Bound<TimeSpan> Duration(string name, TimeSpan otherwise, TimeSpan min, TimeSpan max) =>
        Duration(name, Text(name), otherwise, min, max, or: "");

    /// <summary>A duration, or null for <c>off</c>.</summary>
    public Bound<TimeSpan?> DurationOrOff(string name, TimeSpan? otherwise, TimeSpan min, TimeSpan max)
    {
        var text = Text(name);
        if (!text.Valid || text.Value is null or "off")
        {
            return new Bound<TimeSpan?>(text.Value is "off" ? null : otherwise, text.At, text.Key, text.Valid);
        }

        var bound = Duration(name, text, default, min, max, or: ", or off");
        return new Bound<TimeSpan?>(bound.Value, bound.At, bound.Key, bound.Valid);
    }

    private Bound<TimeSpan> Duration(string name, Bound<string?> text, TimeSpan otherwise, TimeSpan min, TimeSpan max, string or)
    {
        if (!text.Valid || text.Value is null)
        {
            return new Bound<TimeSpan>(otherwise, text.At, text.Key, text.Valid);
        }

        var expected = $"expected {Durations.Show(min)} to {Durations.Show(max)}{or}";
        if (!Durations.TryParse(text.Value, out var duration))
        {
            return Wrong(text.At, name, otherwise, $"'{text.Value}' is no duration", $"{expected}, written with a unit: ms, s, m, h or d");
        }

        return duration >= min && duration <= max
            ? new Bound<TimeSpan>(duration, text.At, text.Key, Valid: true)
            : Wrong(text.At, name, otherwise, $"{text.Value} is out of range", expected);
    }

    /// <summary>A size in bytes; null where the key is missing.</summary>
    public Bound<long?> Size(string name, long min, long max)
    {
        var text = Text(name);
        if (!text.Valid || text.Value is null)
        {
            return new Bound<long?>(null, text.At, text.Key, text.Valid);
        }

        var expected = $"expected {Sizes.Show(min)} to {Sizes.Show(max)}";
        if (!Sizes.TryParse(text.Value, out var size))
        {
            return Wrong<long?>(text.At, name, null, $"'{text.Value}' is no size", $"{expected}, written with a unit: B, KiB, MiB, GiB or TiB");
        }

        return size >= min && size <= max
            ? new Bound<long?>(size, text.At, text.Key, Valid: true)
            : Wrong<long?>(text.At, name, null, $"{text.Value} is out of range", expected);
    }

    /// <summary>One of some words.</summary>
    public Bound<T> Choice<T>(string name, T? otherwise, IReadOnlyDictionary<string, T> choices) where T : struct
    {
        var text = Text(name);
        var expected = $"expected {string.Join(", ", choices.Keys.Order(StringComparer.Ordinal))}";
        if (text.Valid && text.Value is null && otherwise is null)
        {
            return Missing(name, default(T), expected);
        }

        if (!text.Valid || text.Value is null)
        {
            return new Bound<T>(otherwise ?? default, text.At, text.Key, text.Valid);
        }

        return choices.TryGetValue(text.Value, out var value)
            ? new Bound<T>(value, text.At, text.Key, Valid: true)
            : Wrong(
                text.At, name, default(T), $"'{text.Value}' is none of the choices", Suggestion.For(text.Value, choices.Keys) + expected);
    }

    /// <summary>Texts in an array; null where the key is missing.</summary>
    public Bound<ImmutableArray<Bound<string>>?> Texts(string name)
    {
        Know(name);
        var (field, at, key) = Find(name);
        switch (field)
        {
            case null or HoconText { IsNull: true }:
                return new(null, at, key, Valid);
            case HoconBroken:
                return new(null, at, key, Valid: false);
            case not HoconArray:
                _context.Error(at, key, $"is {Kind(field)}", "expected an array: [a, b]");
                return new(null, at, key, Valid: false);
        }

        var texts = ImmutableArray.CreateBuilder<Bound<string>>();
        foreach (var item in ((HoconArray)field).Items)
        {
            if (item is HoconText { IsNull: false } text)
            {
                texts.Add(new Bound<string>(text.Text, text.At, key, Valid: true));
            }
            else
            {
                if (item is not HoconBroken)
                {
                    _context.Error(item.At, key, $"holds {Kind(item)}", "expected texts only");
                }

                return new(null, at, key, Valid: false);
            }
        }

        return new(texts.ToImmutable(), at, key, Valid: true);
    }

    /// <summary>One text, or several in an array; null where the key is missing.</summary>
    public Bound<ImmutableArray<Bound<string>>?> TextOrTexts(string name) =>
        _object?.Find(name)?.Value is HoconText { IsNull: false } && Text(name) is { Value: not null } text
            ? new([new Bound<string>(text.Value, text.At, text.Key, Valid: true)], text.At, text.Key, Valid: true)
            : Texts(name);

    /// <summary>Reports a mistake about a key of this section.</summary>
    public Bound<T> Wrong<T>(Place at, string name, T otherwise, string problem, string expected)
    {
        var key = Join(Key, Quote(name));
        _context.Error(at, key, problem, expected);
        return new Bound<T>(otherwise, at, key, Valid: false);
    }

    /// <summary>Reports a mistake about this section.</summary>
    public void Wrong(string problem, string expected) => _context.Error(At, Key, problem, expected);

    /// <summary>Reports every key that was written but never asked for.</summary>
    /// <param name="allowed">Keys that are somebody else's.</param>
    public void Finish(IReadOnlySet<string>? allowed = null)
    {
        foreach (var (name, field) in _object?.Fields ?? [])
        {
            if (!_known.Contains(name) && allowed?.Contains(name) != true)
            {
                var suggestion = Suggestion.For(name, _known);
                _context.Error(
                    field.SetAt[^1], Join(Key, Quote(name)), "is no known key", $"{suggestion}known here: {string.Join(", ", _known)}");
            }
        }
    }

    private Bound<T> Missing<T>(string name, T otherwise, string expected) =>
        Valid ? Wrong(At, name, otherwise, "is missing", expected) : new Bound<T>(otherwise, At, Join(Key, Quote(name)), Valid: false);

    private Bound<string?> Text(string name, string known)
    {
        Know(known);
        _known.Add(name);
        var (field, at, key) = Find(name);
        switch (field)
        {
            case null or HoconText { IsNull: true }:
                return new(null, at, key, Valid);
            case HoconText text:
                return new(text.Text, at, key, Valid: true);
            case HoconBroken:
                return new(null, at, key, Valid: false);
            default:
                _context.Error(at, key, $"is {Kind(field)}", "expected a single value");
                return new(null, at, key, Valid: false);
        }
    }

    private Section ChildOf(string name, string known)
    {
        _known.Add(name);
        var pattern = Join(_pattern, known);
        var (field, at, key) = Find(name);
        switch (field)
        {
            case null or HoconText { IsNull: true }:
                return new Section(_context, null, at, key, pattern, Valid);
            case HoconObject fields:
                return new Section(_context, fields, at, key, pattern, valid: true);
            default:
                if (field is not HoconBroken)
                {
                    _context.Error(at, key, $"is {Kind(field)}", "expected an object: { … }");
                }

                return new Section(_context, null, at, key, pattern, valid: false);
        }
    }

    private (HoconNode? Value, Place At, string Key) Find(string name)
    {
        var field = _object?.Find(name);
        return (field?.Value, field is null ? At : field.SetAt[^1], Join(Key, Quote(name)));
    }

    private void Know(string name)
    {
        _known.Add(name);
        _context.KnownKeys.Add(Join(_pattern, name));
    }

    private static bool IsUnset(HoconNode value) => value is HoconText { IsNull: true };

    private static string Kind(HoconNode node) => node switch
    {
        HoconObject => "an object",
        HoconArray => "an array",
        HoconText { IsNull: true } => "null",
        HoconText text => $"the text '{text.Text}'",
        _ => "no value",
    };

    private static string Join(string key, string name) => key.Length == 0 ? name : $"{key}.{name}";

    private static string Quote(string name) =>
        name.Length > 0 && name.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '*') ? name : $"\"{name}\"";
}
