using ClusterFs.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Cli.Tests;

/// <summary>Answers on a Unix socket as a test says.</summary>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private readonly WebApplication _application;

    private FakeDaemon(WebApplication application) => _application = application;

    public static async Task<FakeDaemon> StartAsync(string socket, string method, string route, Func<HttpContext, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket));
        var application = builder.Build();
        application.MapMethods(route, [method], (RequestDelegate)(context => answer(context)));
        await application.StartAsync();
        return new FakeDaemon(application);
    }

    public static Task<FakeDaemon> WithStatusAsync(string socket, StatusReport report) => StartAsync(
        socket, "GET", ApiRoutes.Status, context => context.Response.WriteAsJsonAsync(report, ApiJson.Default.StatusReport));

    public static Task<FakeDaemon> RefusingAsync(string socket, string route, int status, ApiError error) => StartAsync(
        socket,
        "POST",
        route,
        context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsJsonAsync(error, ApiJson.Default.ApiError);
        });

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();
}
