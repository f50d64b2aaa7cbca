namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.telemetry</c>: what is sent to other programs by itself.</summary>
internal static class TelemetryBinder
{
    private const string Endpoint = "otlp-endpoint";

    public static TelemetrySettings Bind(Section section)
    {
        var written = section.Text(Endpoint);
        var endpoint = written is { Valid: true, Value: { } text } ? Read(text) : null;
        if (endpoint is null && written is { Valid: true, Value: not null })
        {
            section.Wrong(
                written.At, Endpoint, 0, $"'{written.Value}' is no address of a collector", "expected one such as http://127.0.0.1:4318, without a query");
        }

        section.Finish();
        return new TelemetrySettings(endpoint);
    }

    private static Uri? Read(string text) =>
        Uri.TryCreate(text.EndsWith('/') ? text : text + "/", UriKind.Absolute, out var address)
        && address.Scheme is "http" or "https"
        && address is { Query: "", Fragment: "", UserInfo: "" }
            ? address
            : null;
}
