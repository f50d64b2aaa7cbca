using ClusterFs.Configuration;
using ClusterFs.Ownership;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ClusterFs.Node.Tracing;

/// <summary>Sends the spans of changes of ownership to a collector, where one is configured. Nobody waits for it; what it does not take is lost.</summary>
internal static class TraceExport
{
    private const int PatienceMilliseconds = 5_000;

    /// <returns>Null where no collector is configured: then nothing is made, and nothing loaded.</returns>
    public static IDisposable? Begin(Settings settings) => settings.Telemetry.OtlpEndpoint is { } collector ? Begin(settings, collector) : null;

    private static TracerProvider Begin(Settings settings, Uri collector) => Sdk.CreateTracerProviderBuilder()
        .ConfigureResource(resource => resource.Clear().AddService(
            "clusterfs", settings.Cluster.Name, typeof(TraceExport).Assembly.GetName().Version?.ToString(3), autoGenerateServiceInstanceId: false, settings.Node.Name))
        .AddSource(FailoverTrace.Name)
        .SetSampler(new AlwaysOnSampler())
        .AddOtlpExporter(options =>
        {
            options.Protocol = OtlpExportProtocol.HttpProtobuf;
            options.Endpoint = new Uri(collector, "v1/traces");
            options.TimeoutMilliseconds = PatienceMilliseconds;
        })
        .Build();
}
