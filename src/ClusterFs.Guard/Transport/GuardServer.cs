using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Transport;

/// <summary>Kestrel with nothing but gRPC on it: the voter for the other nodes, everything for this one's socket.</summary>
internal static class GuardServer
{
    public static WebApplication Create(GuardSettings settings, ILoggerFactory logs, VoterEndpoint voter, LocalEndpoint local)
    {
        // Empty: no settings files of the working directory, no environment, no signal handlers.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        _ = builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Listen(IPAddress.Parse(settings.Address), settings.Port, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                if (settings.Tls is { } tls)
                {
                    listen.UseHttps(tls.FromPeers);
                }
            });
            options.ListenUnixSocket(settings.Socket, listen => listen.Protocols = HttpProtocols.Http2);
        });
        _ = builder.Services
            .AddSingleton(logs)
            .AddSingleton(voter)
            .AddSingleton(local)
            .Replace(ServiceDescriptor.Singleton<IHostLifetime, GuardLifetime>())
            .AddRoutingCore()
            .AddGrpc();
        var server = builder.Build();
        _ = server.Use((context, next) =>
        {
            // Other nodes may ask the voter, never stop a service.
            if (context.Connection.LocalIpAddress is not null && context.Request.Path.StartsWithSegments("/clusterfs.local.v1.LocalGuard"))
            {
                context.Response.StatusCode = StatusCodes.Status403Forbidden;
                return Task.CompletedTask;
            }

            return next(context);
        });
        _ = server.UseRouting();
        _ = server.MapGrpcService<VoterEndpoint>();
        _ = server.MapGrpcService<LocalEndpoint>();
        return server;
    }

    /// <summary>The guard decides itself when it ends.</summary>
    private sealed class GuardLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
