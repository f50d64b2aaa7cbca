using ClusterFs.Configuration.Hocon;

namespace ClusterFs.Configuration.Binding;

/// <summary>What binding finds on its way: mistakes, oddities, and which keys exist at all.</summary>
internal sealed class BindingContext(List<ConfigurationError> errors, IEnumerable<string> warnings)
{
    public List<string> Warnings { get; } = [.. warnings];

    /// <summary>Something included could not be read, and its copy is used.</summary>
    public bool UsesCopies { get; } = warnings.Any();

    /// <summary>Every key that was asked for; where users choose a name, it is <c>*</c>.</summary>
    public SortedSet<string> KnownKeys { get; } = new(StringComparer.Ordinal);

    /// <summary>A key that is read twice, because it is held against others, is wrong once.</summary>
    public void Error(Place at, string key, string problem, string expected)
    {
        var error = new ConfigurationError(at.File, at.Line, key, problem, expected);
        if (!errors.Contains(error))
        {
            errors.Add(error);
        }
    }

    public void Warn(Place at, string text) => Warnings.Add($"{at}: {text}");
}
