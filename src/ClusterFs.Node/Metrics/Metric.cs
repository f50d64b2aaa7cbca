using System.Diagnostics.Metrics;

namespace ClusterFs.Node.Metrics;

/// <summary>One figure, as OpenTelemetry knows it; the exporter makes the unit and <c>total</c> part of the name that Prometheus reads.</summary>
/// <param name="Unit">s or By; null for a mere number.</param>
/// <param name="Help">What it is, in a sentence.</param>
/// <param name="Counts">It only grows while the process lives.</param>
/// <param name="Read">Its values, each with its labels; none where there is nothing to say.</param>
internal sealed record Metric(string Name, string? Unit, string Help, bool Counts, Func<Scene, IEnumerable<Measurement<double>>> Read)
{
    public static Metric Of(string name, string? unit, string help, bool counts, Func<Scene, double?> read) =>
        new(name, unit, help, counts, scene => read(scene) is { } value ? [new(value, ForNode(scene))] : []);

    public static Metric By<T>(string name, string? unit, string help, bool counts, Func<Scene, IEnumerable<T>> all, Func<T, double> read, params (string Label, Func<T, string> Value)[] labels) =>
        new(name, unit, help, counts, scene => all(scene).Select(one => new Measurement<double>(
            read(one), [ForNode(scene), .. labels.Select(label => KeyValuePair.Create<string, object?>(label.Label, label.Value(one)))])));

    /// <summary>A value for each service that has one.</summary>
    public static Metric OfService(string name, string? unit, string help, bool counts, Func<ServiceScene, double?> read) =>
        new(name, unit, help, counts, scene => scene.Services
            .Select(service => (service.Name, Value: read(service)))
            .Where(one => one.Value is not null)
            .Select(one => new Measurement<double>(one.Value!.Value, ForNode(scene), new("service", one.Name))));

    /// <summary>A value for each service and for each value of another label.</summary>
    public static Metric OfServiceBy(
        string name, string? unit, string help, bool counts, string label, Func<ServiceScene, IEnumerable<(string Label, double Value)>> read) =>
        new(name, unit, help, counts, scene => scene.Services.SelectMany(service => read(service)
            .Select(one => new Measurement<double>(one.Value, ForNode(scene), new("service", service.Name), new(label, one.Label)))));

    /// <returns>How many series it has.</returns>
    public int AddTo(Meter meter, Scene scene)
    {
        var series = Read(scene).ToList();
        if (Counts)
        {
            meter.CreateObservableCounter(Name, () => series, Unit, Help);
        }
        else
        {
            meter.CreateObservableGauge(Name, () => series, Unit, Help);
        }

        return series.Count;
    }

    private static KeyValuePair<string, object?> ForNode(Scene scene) => new("node", scene.Node);
}
