using System.Globalization;

namespace ClusterFs.Faults.Schedule;

/// <summary>Something that goes wrong. Who is hit may be said in words, because who owns the service is known only when it happens.</summary>
internal abstract record Fault
{
    /// <summary>SIGKILL. What was killed is started again as a service manager would.</summary>
    public sealed record Kill(Target Node, Part Part) : Fault
    {
        public override string ToString() => $"kill {Words(Part)} of {Node}";
    }

    /// <summary>SIGKILL to everything on all nodes.</summary>
    public sealed record RestartOfEverything : Fault
    {
        public override string ToString() => "kill everything on all nodes";
    }

    /// <summary>SIGSTOP, and SIGCONT when the fault is over.</summary>
    public sealed record Pause(Target Node, Part Part) : Fault
    {
        public override string ToString() => $"pause {Words(Part)} of {Node}";
    }

    /// <summary>What is sent from one host to another is dropped.</summary>
    public sealed record Partition(Shape Shape, Target Node, Target Other) : Fault
    {
        public override string ToString() => Shape switch
        {
            Shape.Isolated => $"cut {Node} off",
            Shape.Deaf => $"{Node} hears nobody",
            Shape.Mute => $"nobody hears {Node}",
            Shape.Pair => $"cut {Node} off from {Other}",
            Shape.FromDatabase => $"cut {Node} off from the database",
            Shape.OnlyDatabase => $"cut {Node} off from all but the database",
            Shape.Minority => $"cut {Node} and {Other} off from the others",
            _ => throw new InvalidOperationException($"unknown shape {Shape}"),
        };
    }

    /// <summary>Messages from and to a host are lost, late, doubled and out of order.</summary>
    /// <param name="Host">A node or the database.</param>
    /// <param name="LossPercent">0 to 100.</param>
    /// <param name="Delay">Of each message, one way.</param>
    /// <param name="Jitter">Added to the delay, at random.</param>
    /// <param name="DuplicatePercent">0 to 100.</param>
    public sealed record BadLink(Target Host, int LossPercent, TimeSpan Delay, TimeSpan Jitter, int DuplicatePercent, bool Reorder) : Fault
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"bad link of {Host}: {LossPercent} % lost, {Delay.TotalMilliseconds:0}+{Jitter.TotalMilliseconds:0} ms late, {DuplicatePercent} % doubled{(Reorder ? ", reordered" : "")}");
    }

    /// <summary>Everything on the node is killed and what it had not synced is lost; it comes back when the fault is over.</summary>
    public sealed record PowerCut(Target Node) : Fault
    {
        public override string ToString() => $"power cut of {Node}";
    }

    /// <summary>A power cut, after which the node comes back with an empty disk.</summary>
    public sealed record DiskLoss(Target Node) : Fault
    {
        public override string ToString() => $"{Node} loses its disk";
    }

    /// <summary>The database is stopped, and started when the fault is over.</summary>
    public sealed record DatabaseDown : Fault
    {
        public override string ToString() => "the database is down";
    }

    /// <summary>All processes of the database are stopped with SIGSTOP: connections stay and nobody answers.</summary>
    public sealed record DatabaseHangs : Fault
    {
        public override string ToString() => "the database hangs";
    }

    /// <summary>The shared directory cannot be written to.</summary>
    public sealed record SharedReadOnly(Target Node) : Fault
    {
        public override string ToString() => $"the shared directory is read-only on {Node}";
    }

    /// <summary>The shared file system is full, for everybody.</summary>
    public sealed record SharedFull : Fault
    {
        public override string ToString() => "the shared file system is full";
    }

    /// <summary>The shared directory answers every call with an error.</summary>
    public sealed record SharedGone(Target Node) : Fault
    {
        public override string ToString() => $"the shared directory is gone on {Node}";
    }

    /// <summary>The shared directory answers no call at all.</summary>
    public sealed record SharedHangs(Target Node) : Fault
    {
        public override string ToString() => $"the shared directory hangs on {Node}";
    }

    /// <summary>The wall clock of a node is set to another time, and stays there.</summary>
    public sealed record ClockJump(Target Node, TimeSpan Offset) : Fault
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"the wall clock of {Node} is off by {Offset.TotalSeconds:+0;-0;0} s");
    }

    /// <summary>No fault: somebody asks for a planned move, whatever else goes wrong.</summary>
    public sealed record PlannedMove(Target To) : Fault
    {
        public override string ToString() => $"planned move to {To}";
    }

    /// <summary>For counting.</summary>
    public string Kind => this switch
    {
        Kill kill => $"kill {Words(kill.Part)}",
        RestartOfEverything => "kill everything on all nodes",
        Pause pause => $"pause {Words(pause.Part)}",
        Partition { Shape: Shape.Isolated } => "partition: one node",
        Partition { Shape: Shape.Deaf } => "partition: one way in",
        Partition { Shape: Shape.Mute } => "partition: one way out",
        Partition { Shape: Shape.Pair } => "partition: a pair",
        Partition { Shape: Shape.FromDatabase } => "partition: from the database",
        Partition { Shape: Shape.OnlyDatabase } => "partition: all but the database",
        Partition => "partition: two nodes",
        BadLink => "bad link",
        PowerCut => "power cut",
        DiskLoss => "disk lost",
        DatabaseDown => "database down",
        DatabaseHangs => "database hangs",
        SharedReadOnly => "shared directory read-only",
        SharedFull => "shared file system full",
        SharedGone => "shared directory gone",
        SharedHangs => "shared directory hangs",
        ClockJump => "wall clock jumps",
        PlannedMove => "planned move",
        _ => throw new InvalidOperationException($"{GetType()} is not counted"),
    };

    private static string Words(Part part) => part switch
    {
        Part.Guard => "guard",
        Part.Daemon => "daemon",
        Part.GuardAndDaemon => "guard and daemon",
        Part.Beside => "clusterfs run",
        Part.Service => "service",
        Part.Everything => "everything",
        _ => throw new ArgumentOutOfRangeException(nameof(part), part, "unknown part"),
    };
}

/// <summary>Processes of a node.</summary>
internal enum Part
{
    Guard,
    Daemon,
    GuardAndDaemon,

    /// <summary><c>clusterfs run</c>, the process beside the service.</summary>
    Beside,
    Service,
    Everything,
}

/// <summary>How a network falls apart.</summary>
internal enum Shape
{
    /// <summary>One node from everybody.</summary>
    Isolated,

    /// <summary>Nothing reaches the node, its own messages arrive.</summary>
    Deaf,

    /// <summary>The node hears everybody and reaches nobody.</summary>
    Mute,

    /// <summary>Two nodes from each other.</summary>
    Pair,
    FromDatabase,
    OnlyDatabase,

    /// <summary>Two nodes together from all others and the database.</summary>
    Minority,
}
