using System.Collections.Immutable;

namespace ClusterFs.Configuration.Hocon;

/// <summary>A value, and where it was written.</summary>
internal abstract class HoconNode(Place at)
{
    public Place At { get; } = at;
}

/// <summary>A string, number, truth value or null: HOCON tells them apart only by what the reader of the key wants.</summary>
internal sealed class HoconText(Place at, string text, bool quoted) : HoconNode(at)
{
    public string Text { get; } = text;

    /// <summary>Whether any part of it was in quotes.</summary>
    public bool Quoted { get; } = quoted;

    /// <summary>An unquoted null takes an earlier value back.</summary>
    public bool IsNull => !Quoted && Text == "null";
}

internal sealed class HoconArray(Place at, ImmutableArray<HoconNode> items) : HoconNode(at)
{
    public ImmutableArray<HoconNode> Items { get; } = items;
}

/// <summary>A value that was reported as wrong already; whoever meets it says nothing more.</summary>
internal sealed class HoconBroken(Place at) : HoconNode(at);

/// <summary><c>${path}</c> or <c>${?path}</c>, until everything is read.</summary>
internal sealed class HoconReference(Place at, ImmutableArray<string> path, bool optional) : HoconNode(at)
{
    public ImmutableArray<string> Path { get; } = path;

    public bool Optional { get; } = optional;

    public string Name => string.Join('.', Path);
}

/// <summary>Values written next to one another, at least one of them a reference or all of one kind.</summary>
internal sealed class HoconConcatenation(Place at, ImmutableArray<HoconNode> parts) : HoconNode(at)
{
    public ImmutableArray<HoconNode> Parts { get; } = parts;
}

/// <summary>A later value over an earlier one, where which wins depends on what a reference stands for.</summary>
internal sealed class HoconOverride(Place at, HoconNode earlier, HoconNode later) : HoconNode(at)
{
    public HoconNode Earlier { get; } = earlier;

    public HoconNode Later { get; } = later;
}
