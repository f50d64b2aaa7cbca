using System.Net;
using Akka.Actor;
using Akka.Hosting;
using ClusterFs.Configuration;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Api;
using ClusterFs.Node.Cluster;
using ClusterFs.Node.Content;
using ClusterFs.Node.Draining;
using ClusterFs.Node.Foresight;
using ClusterFs.Node.Health;
using ClusterFs.Node.Inspection;
using ClusterFs.Node.Metrics;
using ClusterFs.Node.Notifications;
using ClusterFs.Node.Page;
using ClusterFs.Node.Rollouts;
using ClusterFs.Node.Seeded;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ClusterFs.Node.Static;
using Microsoft.Extensions.Hosting.Systemd;

namespace ClusterFs.Node.Hosting;

/// <summary>How one run of the host ended.</summary>
internal enum NodeEnd
{
    /// <summary>A signal asked for it, and everything was ended in order.</summary>
    Asked,

    /// <summary>A signal asked for it, and something was left undone.</summary>
    AskedUnfinished,

    /// <summary>The actor system ended by itself: the cluster downed this node.</summary>
    Downed,

    /// <summary>It cannot run like this.</summary>
    Refused,
}

/// <summary>The daemon from the first actor to the last. A daemon that was downed begins another.</summary>
internal sealed class NodeHost(
    Settings settings,
    NodeIdentity identity,
    ContentShelf contents,
    SeededKeeper seeded,
    ConfigKeeper config,
    StaticKeeper published,
    LogKeeping logs,
    CleanEndMarker marker,
    StopSignals signals)
{
    /// <summary>A last dump that is under way is waited for; a second signal ends the wait.</summary>
    private static readonly TimeSpan LastDumps = TimeSpan.FromMinutes(2);

    private TimeSpan EndPatience =>
        LastDumps + settings.Services.Values.Select(service => service.StopTimeout).DefaultIfEmpty(TimeSpan.Zero).Max();

    public async Task<NodeEnd> RunAsync(StartCount starts)
    {
        LocalSocket.MakeFree(settings.Node.Socket);
        var application = Build(starts);
        await using (application.ConfigureAwait(false))
        {
            var logger = application.Services.GetRequiredService<ILoggerFactory>().CreateLogger("clusterfs");
            logs.Said = logger.LogsGo;
            logger.Starting(settings.Node.Name, settings.Cluster.Name, Environment.ProcessId);
            try
            {
                await application.StartAsync().ConfigureAwait(false);
            }
            catch (IOException problem)
            {
                throw new NodeRefusedException($"cannot listen: {problem.Message}");
            }

            File.SetUnixFileMode(settings.Node.Socket, LocalSocket.Mode);
            var failure = application.Services.GetRequiredService<NodeFailure>();
            var system = application.Services.GetRequiredService<ActorSystem>();
            var first = await Task.WhenAny(signals.First, failure.Problem, system.WhenTerminated).ConfigureAwait(false);
            var end = NodeEnd.Downed;
            if (first == failure.Problem)
            {
                logger.Refused(await failure.Problem.ConfigureAwait(false));
                end = NodeEnd.Refused;
            }
            else if (first == signals.First)
            {
                end = await EndAsync(application, logger, await signals.First.ConfigureAwait(false)).ConfigureAwait(false);
            }
            else
            {
                logger.StartingAgain();
            }

            await application.StopAsync().ConfigureAwait(false);
            logger.Stopped();
            return end;
        }
    }

    private async Task<NodeEnd> EndAsync(WebApplication application, ILogger logger, StopSignal signal)
    {
        // Only here: a host that ends to start again in the same process does not stop, and systemd would kill it after its stop timeout.
        application.Services.GetRequiredService<ISystemdNotifier>().Notify(ServiceState.Stopping);
        if (signal == StopSignal.Leave)
        {
            logger.LeavingServices("SIGHUP");
            return NodeEnd.Asked;
        }

        logger.EndingServices("SIGTERM");
        var board = application.Services.GetRequiredService<NodeBoard>();
        var ended = board.Agent.Ask<AllIdle>(new EndAll(), EndPatience);
        await Task.WhenAny(ended, signals.Second).ConfigureAwait(false);
        if (ended.IsCompletedSuccessfully)
        {
            return NodeEnd.Asked;
        }

        logger.ServicesDidNotEnd(EndPatience.TotalSeconds);
        return NodeEnd.AskedUnfinished;
    }

    private WebApplication Build(StartCount starts)
    {
        // Empty: what the environment says to other web applications says nothing to this one.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            ListenLimits.Set(kestrel.Limits);
            kestrel.ListenUnixSocket(settings.Node.Socket, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Parse(settings.Node.Address), settings.Cluster.HttpPort, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                ListenLimits.LimitConnections(listen);
            });
        });
        var threshold = new LogThreshold();
        builder.Services.AddSingleton(threshold);
        AddLogging(builder.Logging, threshold);

        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(30));
        builder.Services.AddSingleton<ISystemdNotifier, SystemdNotifier>();
        builder.Services.AddSingleton<IHostLifetime, NodeLifetime>();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(identity);
        builder.Services.AddSingleton(contents);
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton(seeded);
        builder.Services.AddSingleton(config);
        builder.Services.AddSingleton(published);
        builder.Services.AddSingleton(marker);
        builder.Services.AddSingleton(starts);
        builder.Services.AddSingleton<NodeBoard>();
        builder.Services.AddSingleton<NodeFailure>();
        builder.Services.AddSingleton<Membership>();
        builder.Services.AddSingleton<NodeQueries>();
        builder.Services.AddSingleton<HealthQueries>();
        builder.Services.AddSingleton<SceneSource>();
        builder.Services.AddSingleton<MetricsEndpoint>();
        builder.Services.AddSingleton<PageSource>();
        builder.Services.AddSingleton<PageEndpoints>();
        builder.Services.AddSingleton(new PageToken(settings.Http));
        builder.Services.AddSingleton<PageActions>();
        builder.Services.AddSingleton<SeededQueries>();
        builder.Services.AddSingleton<SimulateQueries>();
        builder.Services.AddSingleton<InspectionQueries>();
        builder.Services.AddSingleton<ConfigQueries>();
        builder.Services.AddSingleton<DrainQueries>();
        builder.Services.AddSingleton<MoveQueries>();
        builder.Services.AddSingleton<Notifier>();
        builder.Services.AddSingleton<NotifyQueries>();
        builder.Services.AddSingleton<StaticQueries>();
        builder.Services.AddAkka(ClusterConfiguration.SystemName(settings), (akka, services) => akka
            .AddHocon(ClusterConfiguration.ToConfig(settings), HoconAddMode.Prepend)
            .AddSetup(new LoggingSetup(services.GetRequiredService<ILoggerFactory>()))
            .Encrypt(ClusterConfiguration.EncryptionOf(identity))
            .ConfigureLoggers(loggers =>
            {
                loggers.ClearLoggers();
                loggers.AddLogger<AkkaLog>();
                loggers.LogLevel = Akka.Event.LogLevel.WarningLevel;
            }));
        builder.Services.AddHostedService<NodeStart>();
        builder.Services.AddHostedService<DaemonWatchdog>();

        var application = builder.Build();
        application.Use(RequestGate.Pass);
        ApiEndpoints.Map(application);
        HealthEndpoints.Map(application);
        MetricsEndpoint.Map(application);
        PageEndpoints.Map(application);
        return application;
    }

    private static void AddLogging(ILoggingBuilder logging, LogThreshold threshold)
    {
        logging.SetMinimumLevel(LogLevel.Debug);
        logging.AddFilter(threshold.Passes);
        if (SystemdHelpers.IsSystemdService())
        {
            logging.AddSystemdConsole();
            return;
        }

        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
        });
    }
}
