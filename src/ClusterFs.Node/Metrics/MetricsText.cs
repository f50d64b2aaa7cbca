using System.Diagnostics.Metrics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace ClusterFs.Node.Metrics;

/// <summary>
/// A scene as Prometheus reads it, through OpenTelemetry. What that keeps of each metric and each set of labels lives for one scrape only: with a
/// thousand services it would be the larger part of what the daemon needs, and would go on showing what is no longer so.
/// </summary>
internal static class MetricsText
{
    private const string Name = "clusterfs";
    private const int MaxBytes = 32 << 20;

    /// <summary>One at a time: all meters have the same name.</summary>
    public static async Task WriteAsync(Scene scene, HttpContext context)
    {
        using var meter = new Meter(Name);
        foreach (var metric in MetricBook.All)
        {
            metric.AddTo(meter, scene);
        }

        using var provider = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => resource.Clear())
            .AddMeter(Name)
            .AddView("*", new MetricStreamConfiguration { CardinalityLimit = MostSeries(scene) })
            .AddPrometheusExporter(options =>
            {
                options.ScrapeResponseCacheDurationMilliseconds = 0;
                options.ScopeInfoEnabled = false;
                options.TargetInfoEnabled = false;
                options.MaxScrapeResponseSizeBytes = MaxBytes;
            })
            .Build();
        var pipeline = new ApplicationBuilder(context.RequestServices)
            .UseOpenTelemetryPrometheusScrapingEndpoint(provider, static _ => true, null, null, null)
            .Build();
        await pipeline(context).ConfigureAwait(false);
    }

    /// <summary>Of any one metric.</summary>
    private static int MostSeries(Scene scene) =>
        Math.Max(32, Math.Max(scene.Services.Sum(service => Math.Max(3, service.Logs.Length)), scene.Seeded.Length));
}
