using Akka.Actor;
using ClusterFs.Configuration;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Seeded;

/// <summary>Answers other nodes about the seeded files of this one.</summary>
internal sealed class SeededActor : ReceiveActor
{
    /// <summary>Below the actor system's user guardian.</summary>
    public const string Name = "seeded";

    public SeededActor(Settings settings, SeededKeeper keeper) => Receive<AskSeeded>(asked => SeededWork
        .DoAsync(settings, keeper, asked)
        .PipeTo(Sender, Self, report => new SeededAnswered(SeededPicture.Write(report))));

    public static Props Props(Settings settings, SeededKeeper keeper) => Akka.Actor.Props.Create(() => new SeededActor(settings, keeper));
}
