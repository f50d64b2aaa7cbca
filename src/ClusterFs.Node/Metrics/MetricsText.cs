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
        var builder = Sdk.CreateMeterProviderBuilder().ConfigureResource(resource => resource.Clear()).AddMeter(Name);
        foreach (var metric in MetricBook.All)
        {
            // Room for the limit is taken at once, however few series there are.
            var series = metric.AddTo(meter, scene);
            builder.AddView(metric.Name, new MetricStreamConfiguration { CardinalityLimit = Math.Max(1, series) });
        }

        using var provider = builder
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
}
