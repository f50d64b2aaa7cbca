using System.Collections.Immutable;
using ClusterFs.Configuration.Hocon;

namespace ClusterFs.Configuration.Binding;

/// <summary>Turns what was written into settings. The one place where the sections meet.</summary>
/// <remarks>
/// To add a setting: give its record a property, read it in the section's binder (its type, range and default are said there once),
/// check its relations to others there, and document it in <c>hocon/clusterfs.conf</c>; a test compares that file with the binders.
/// </remarks>
internal static class SettingsBinder
{
    private static readonly ImmutableDictionary<string, JournalProvider> Providers = ImmutableDictionary.CreateRange(
        StringComparer.Ordinal,
        [KeyValuePair.Create("sqlite", JournalProvider.Sqlite), KeyValuePair.Create("postgresql", JournalProvider.PostgreSql)]);

    /// <summary>The settings; not to be used when the context has errors afterwards.</summary>
    /// <param name="referenced">Names outside <c>clusterfs</c> that are there to be referred to.</param>
    public static Settings Bind(HoconObject root, IReadOnlySet<string> referenced, BindingContext context, LoadOptions options)
    {
        var top = Section.Root(context, root);
        var all = top.Child("clusterfs");
        top.Finish(allowed: referenced);

        var tls = BindTls(all.Child("tls"));
        var cluster = ClusterBinder.Bind(all.Child("cluster"), encrypted: tls is not null);
        var node = NodeBinder.Bind(all.Child("node"), cluster);
        var journal = BindJournal(all.Child("journal"), cluster);
        var shared = BindShared(all.Child("shared"), context, options);
        var lease = BindLease(all.Child("lease"));
        var services = ServicesBinder.Bind(all.Child("services"), new ServicesBinder.Surroundings(node, cluster, shared, OwnFiles(node, shared, tls, journal), options, context));
        var fence = FenceBinder.Bind(all.Child("fence"), cluster);
        var notify = NotifyBinder.Bind(all.Child(NotifyBinder.Name));
        NotifyBinder.Check(all, services.Values, notify);
        var seeded = SeedingBinder.Bind(all.Child("seeded"), cluster);
        var telemetry = TelemetryBinder.Bind(all.Child("telemetry"));
        var http = HttpBinder.Bind(all.Child("http"), shared);
        var configPollEvery = ConfigBinder.BindPollEvery(all.Child(ConfigBinder.Name));
        var published = StaticBinder.BindPace(all.Child(StaticBinder.Name));
        all.Finish();
        return new Settings(node, cluster, journal, shared, lease, tls, services)
        {
            Fence = fence,
            Notify = notify,
            Seeded = seeded,
            Telemetry = telemetry,
            Http = http,
            ConfigPollEvery = configPollEvery,
            Static = published,
        };
    }

    /// <summary>What ClusterFs itself needs on this node, beside the state directory.</summary>
    private static ImmutableArray<(string Path, string What)> OwnFiles(NodeSettings node, SharedSettings shared, TlsSettings? tls, JournalSettings journal)
    {
        (string? Path, string What)[] files =
        [
            (node.Socket, "node.socket"),
            (tls?.Authority, "tls.authority"),
            (tls?.Certificate, "tls.certificate"),
            (tls?.Key, "tls.key"),
            (shared.KeyFile, "shared.key-file"),
            (journal.Provider == JournalProvider.Sqlite ? SqliteFile(journal.ConnectionString) : null, "the journal"),
        ];
        return [.. files.Where(file => file.Path is not null && file.Path.StartsWith('/')).Select(file => (Path.GetFullPath(file.Path!), file.What))];
    }

    private static string? SqliteFile(string? connection)
    {
        const string Key = "data source=";
        return connection?.Split(';').FirstOrDefault(part => part.Trim().StartsWith(Key, StringComparison.OrdinalIgnoreCase))?.Trim()[Key.Length..];
    }

    private static JournalSettings BindJournal(Section section, ClusterSettings cluster)
    {
        var provider = section.Choice("provider", null, Providers);
        var example = provider.Value == JournalProvider.Sqlite
            ? "\"Data Source=/var/lib/clusterfs/journal.db\""
            : "\"Host=db;Database=clusterfs;…\"";
        var connection = section.RequiredText("connection-string", $"expected what the database's driver needs, such as {example}");
        if (provider.Valid && provider.Value == JournalProvider.Sqlite)
        {
            CheckSqlite(section, provider, connection, cluster);
        }

        section.Finish();
        return new JournalSettings(provider.Value, connection.Value);
    }

    private static void CheckSqlite(Section section, Bound<JournalProvider> provider, Bound<string> connection, ClusterSettings cluster)
    {
        if (cluster.Nodes.FirstOrDefault(node => Addresses.IsElsewhere(node.Value)) is { Key: { } elsewhere })
        {
            section.Wrong(
                provider.At,
                "provider",
                0,
                $"sqlite keeps the journal in one file of one machine, but node {elsewhere} is on another",
                "expected postgresql, or loopback addresses for all nodes");
        }

        if (connection.Valid && SqliteFile(connection.Value)?.StartsWith('/') != true)
        {
            section.Wrong(connection.At, "connection-string", 0, "names no absolute file", "expected \"Data Source=/…\"");
        }
    }

    private static SharedSettings BindShared(Section section, BindingContext context, LoadOptions options)
    {
        var path = Paths.Required(section, "path", "expected where the shared file system is mounted, an absolute path");
        if (options.CheckPaths && path.Valid)
        {
            CheckShared(section, path, context, options);
        }

        var keys = Paths.Optional(section, "key-file", "");
        if (keys.Valid && keys.Value.Length > 0 && path.Valid && Paths.Overlap(keys.Value, path.Value))
        {
            section.Wrong(
                keys.At, "key-file", "", $"{keys.Value} lies on the storage that it is to protect", "expected a file on this node's own disk");
        }

        section.Finish();
        return new SharedSettings(path.Value) { KeyFile = keys.Value is { Length: > 0 } file ? file : null };
    }

    /// <summary>Storage that is away is no mistake: services run on without it, and so has a daemon to.</summary>
    private static void CheckShared(Section section, Bound<string> path, BindingContext context, LoadOptions options)
    {
        var look = Task.Run(() => Directory.Exists(path.Value));
        if (!look.Wait(options.IncludeTimeout))
        {
            context.Warn(path.At, $"{path.Value} does not answer; dumps wait for it");
        }
        else if (!look.Result && context.UsesCopies)
        {
            context.Warn(path.At, $"{path.Value} is not there; dumps wait for it");
        }
        else if (!look.Result)
        {
            section.Wrong(path.At, "path", 0, $"{path.Value} is no directory", "is the shared file system mounted?");
        }
    }

    private static TlsSettings? BindTls(Section section)
    {
        if (!section.IsWritten)
        {
            // Asked for all the same: what is never asked for is unknown.
            _ = (section.Text("authority"), section.Text("certificate"), section.Text("key"));
            section.Finish();
            return null;
        }

        var authority = Paths.Required(section, "authority", "expected the certificate of the authority that signed every node's");
        var certificate = Paths.Required(section, "certificate", "expected this node's certificate");
        var key = Paths.Required(section, "key", "expected the private key of this node's certificate");
        section.Finish();
        return new TlsSettings(authority.Value, certificate.Value, key.Value);
    }

    private static LeaseSettings BindLease(Section section)
    {
        var ttl = section.Duration(
            "ttl", TimeSpan.FromSeconds(5), min: TimeSpan.FromMilliseconds(500), max: TimeSpan.FromHours(1));
        var budget = section.Duration(
            "stop-budget", TimeSpan.FromMilliseconds(1500), min: TimeSpan.FromMilliseconds(50), max: TimeSpan.FromMinutes(30));
        if (ttl.Valid && budget.Valid && budget.Value >= ttl.Value / 2)
        {
            section.Wrong(
                budget.At,
                "stop-budget",
                0,
                $"{Durations.Show(budget.Value)} leaves too little of a ttl of {Durations.Show(ttl.Value)} to run in",
                $"expected less than half of the ttl, {Durations.Show(ttl.Value / 2)}");
        }

        section.Finish();
        return new LeaseSettings(ttl.Value, budget.Value);
    }
}
