using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Dispatch;
using Akka.Event;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace ClusterFs.Node.Hosting;

/// <summary>Where <see cref="AkkaLog"/> finds the daemon's loggers.</summary>
internal sealed class LoggingSetup(ILoggerFactory loggers) : Setup
{
    public ILoggerFactory Loggers { get; } = loggers;
}

/// <summary>Writes what Akka logs like everything else: one line, one time stamp.</summary>
internal sealed class AkkaLog : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    public AkkaLog()
    {
        var logger = Context.System.Settings.Setup.Get<LoggingSetup>().Value.Loggers.CreateLogger("akka");
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<LogEvent>(happened =>
        {
            var level = LevelOf(happened);
            if (logger.IsEnabled(level))
            {
                var source = SourceOf(happened.LogSource);
                var text = Text(happened);
                logger.AkkaSays(level, source, text);
            }
        });
    }

    private static LogLevel LevelOf(LogEvent happened) => happened.LogLevel() switch
    {
        Akka.Event.LogLevel.DebugLevel => LogLevel.Debug,
        Akka.Event.LogLevel.InfoLevel => LogLevel.Information,
        Akka.Event.LogLevel.WarningLevel => LogLevel.Warning,
        _ => LogLevel.Error,
    };

    private static string Text(LogEvent happened)
    {
        var text = happened.Cause is { } cause ? $"{happened.Message}: {cause.Message}" : $"{happened.Message}";
        return text.ReplaceLineEndings(" ");
    }

    /// <summary>The path without the address of this system, which is the same in every line.</summary>
    private static string SourceOf(string source) => source.IndexOf("/system/", StringComparison.Ordinal) is var at and >= 0 ? source[at..] : source;
}
