using Akka.Actor;
using Akka.TestKit.Xunit2;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;
using ClusterFs.Ownership.Wire;

namespace ClusterFs.Ownership.Tests.Wire;

public sealed class HyperionWireSerializerTests : TestKit
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly NodeSight Sight = new("n1", 4200, 7, 12, At, 5120, 3.1, 81920, true, "no space left", 1, "dumping")
    {
        StandbySlot = 11,
        StandbyAt = At,
        StandbyProblem = "no space left",
        Rehearsal = new RehearsalSight(10, At, 1.75, true, "dump #11: exit code 3", At, true) { Hangs = true },
        AgeSeconds = 1.5,
    };

    public static TheoryData<IWireMessage> Messages => new()
    {
        new ReportNode("wiki", new NodeReport("n1", true, LeasePhase.Running, 7, 6, "because"), Sight),
        new ReportNode("wiki", new NodeReport("n1", false, null, 0, 0, null), NodeSight.Nothing("n1")),
        new OwnershipView("wiki", OwnershipStage.Owned, "n1", 8, 7, ["n1", "n2"], null, "n2", false, [Sight, NodeSight.Nothing("n2")]) { FailedOver = true },
        new ExplainOwnership("wiki"),
        new OwnershipExplained("wiki", ["n1 owns it."], [new NodeStanding("n2", "next", "waits for the service")]),
        new ForeseeOwnership("wiki", "n1", false),
        new OwnershipForeseen("wiki", "n1", "n2", 5.2, null, [new ForeseenEvent(5, "epoch 8 is fenced")]),
        new GrantOwnership("wiki", 8, 7, "n1", ["n1", "n2", "n3"], TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)),
        new DrainOwnership("wiki", 7, "n2"),
        new ReportWanted("wiki"),
        new MoveService("wiki", "n2"),
        new PauseService("wiki", true),
        new RequestAnswered("wiki", true, "moving"),
        new GetOwnership("wiki"),
        new GetHistory("wiki"),
        new OwnershipHistory("wiki", [new HistoryEntry(At, "granted", 7, "n1", "epoch 7 granted to n1")]),
        new GetMeasuredHistory("wiki"),
        new MeasuredHistory(
            "wiki",
            [
                new MeasuredEntry(new HistoryEntry(At, "granted", 7, "n1", "epoch 7 granted to n1")) { Cause = "failover", DurationSeconds = 1.5, LostSeconds = 2.5, LostBytes = 4096 },
            ]),
        new GetPlacement("wiki"),
        new PlacementTold("wiki", "n1", 240.5, ["will go back to n1 in 4m"]),
        new AskDrain(),
        new DrainNode(true),
        new DrainTold("n1", At, [new DrainLeft("wiki", "moves to n2", false)], "no space left"),
        new AskSeeded("wiki", SeededTask.Compare),
        new AskSeeded(null, SeededTask.Tell),
        new SeededAnswered("{}"),
        new AskConfig("wiki", ConfigTask.Compare),
        new ConfigAnswered("{}"),
        new LookAtConfig("wiki"),
        new StaticSighted("wiki", "www", "n2", 7, 6, 5, 4, "a line"),
        new AskStatic("wiki"),
        new StaticAnswered("{}"),
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void Every_message_arrives_as_it_was_sent(IWireMessage message)
    {
        var serializer = new HyperionWireSerializer((ExtendedActorSystem)Sys);

        Assert.Equivalent(message, serializer.FromBinary(serializer.ToBinary(message), message.GetType()), strict: true);
    }

    [Fact]
    public void Every_wire_message_is_covered_here() => Assert.Empty(
        typeof(IWireMessage).Assembly.GetTypes()
            .Where(type => type is { IsAbstract: false, IsClass: true } && type.IsAssignableTo(typeof(IWireMessage)))
            .Except(((IEnumerable<object[]>)Messages).Select(row => row[0].GetType()))
            .Except([typeof(HistoryEntry), typeof(MeasuredEntry), typeof(NodeSight)]));

    public static TheoryData<string> Recorded =>
        [.. Directory.EnumerateFiles(RecordedIn, "*.bin").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    private static string RecordedIn => Path.Combine(AppContext.BaseDirectory, "Wire", "Recorded");

    /// <summary>
    /// What daemons that have been given away write: a recording is never made anew. In an upgrade daemons of two versions talk to each other, and a type that
    /// has got or lost a member can be read by neither: no service's state would be known where its ownership actor is of the other version.
    /// </summary>
    [Theory]
    [MemberData(nameof(Recorded))]
    public void Daemons_of_an_earlier_version_are_understood_and_are_written_to_as_they_write(string name)
    {
        var serializer = new HyperionWireSerializer((ExtendedActorSystem)Sys);
        var recorded = File.ReadAllBytes(Path.Combine(RecordedIn, name + ".bin"));

        var message = serializer.FromBinary(recorded, typeof(IWireMessage));

        Assert.Equal(name, message.GetType().Name);
        Assert.Equal(recorded, serializer.ToBinary(message));
    }

    /// <summary>CLUSTERFS_RECORD_WIRE=DIRECTORY writes those that are missing.</summary>
    [Fact]
    public void Every_message_is_recorded()
    {
        var serializer = new HyperionWireSerializer((ExtendedActorSystem)Sys);
        var recorded = ((IEnumerable<object[]>)Recorded).Select(row => (string)row[0]);
        var missing = ((IEnumerable<object[]>)Messages)
            .Select(row => (IWireMessage)row[0])
            .DistinctBy(message => message.GetType())
            .ExceptBy(recorded, message => message.GetType().Name, StringComparer.Ordinal)
            .ToList();
        if (Environment.GetEnvironmentVariable("CLUSTERFS_RECORD_WIRE") is { Length: > 0 } directory)
        {
            missing.ForEach(message => File.WriteAllBytes(Path.Combine(directory, message.GetType().Name + ".bin"), serializer.ToBinary(message)));
        }

        Assert.Empty(missing);
    }

    [Fact]
    public void A_type_that_is_not_listed_is_refused()
    {
        var serializer = new HyperionWireSerializer((ExtendedActorSystem)Sys);
        var permissive = new Hyperion.Serializer(new Hyperion.SerializerOptions(true, true, [], null, null, true, null, true, null));
        using var stream = new MemoryStream();
        permissive.Serialize(new Untrusted("rm -rf"), stream);

        Assert.ThrowsAny<Exception>(() => serializer.FromBinary(stream.ToArray(), typeof(IWireMessage)));
        Assert.False(Untrusted.WasMade);
    }

    public sealed class Untrusted
    {
        public Untrusted(string command) => Command = command;

        public static bool WasMade { get; private set; }

        public string Command
        {
            get;
            set
            {
                field = value;
                WasMade = value.Length == 0;
            }
        }
    }
}
