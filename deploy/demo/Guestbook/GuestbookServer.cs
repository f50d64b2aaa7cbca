using System.Net;
using Microsoft.AspNetCore.Mvc;

namespace ClusterFs.Demo.Guestbook;

/// <summary>The HTTP side: POST /entries, GET /entries?after=N, GET /health.</summary>
internal static class GuestbookServer
{
    /// <summary>The longest text of an entry, in characters.</summary>
    private const int LongestText = 4096;

    /// <summary>Serves until SIGTERM or SIGINT; requests that have begun are answered.</summary>
    public static async Task<int> Serve(string directory, IPEndPoint endpoint, CancellationToken cancelled)
    {
        using var store = EntryStore.Open(directory);
        // Not the slim builder: it watches the working directory for settings, all the way down.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(endpoint));
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.Services.ConfigureHttpJsonOptions(json =>
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, GuestbookJson.Default));

        await using var application = builder.Build();
        application.MapGet("/health", () => Results.Text("ok"));
        application.MapGet("/entries", ([FromQuery] long? after) => Results.Ok(store.After(after ?? 0)));
        application.MapPost("/entries", (NewEntry entry) =>
            entry.Text is { Length: > 0 and <= LongestText } text
                ? Results.Ok(new EntryCreated(store.Add(text)))
                : Results.BadRequest($"text must have 1 to {LongestText} characters"));
        await application.StartAsync(cancelled);
        await Console.Out.WriteLineAsync($"guestbook: {directory} on http://{endpoint}");
        await application.WaitForShutdownAsync(cancelled);
        await Console.Out.WriteLineAsync("guestbook: stopped");
        return 0;
    }
}
