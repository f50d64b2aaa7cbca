namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.http</c>: what this node's HTTP port lets people do.</summary>
internal static class HttpBinder
{
    private const string TokenFile = "token-file";

    public static HttpSettings Bind(Section section, SharedSettings shared)
    {
        var file = Paths.Optional(section, TokenFile, "");
        if (file.Valid && file.Value.Length > 0 && shared.Path.Length > 0 && Paths.Overlap(file.Value, shared.Path))
        {
            section.Wrong(file.At, TokenFile, "", $"{file.Value} lies on shared storage", "expected a file on this node's own disk, which answers whatever storage does");
        }

        section.Finish();
        return new HttpSettings(file is { Valid: true, Value.Length: > 0 } ? file.Value : null);
    }
}
