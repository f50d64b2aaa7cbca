namespace ClusterFs.Configuration.Hocon;

/// <summary>A file is not HOCON from here on.</summary>
internal sealed class HoconSyntaxException(Place at, string problem, string expected) : Exception(problem)
{
    public ConfigurationError Error { get; } = new(at.File, at.Line, "", problem, expected);
}
