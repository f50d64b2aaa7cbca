namespace ClusterFs.Faults.Schedule;

/// <summary>Who is hit by a fault.</summary>
internal abstract record Target
{
    public static Target Owner { get; } = new OwnerTarget();

    public static Target Everyone { get; } = new EveryoneTarget();

    public static Target Database { get; } = new DatabaseTarget();

    /// <param name="index">0 and up.</param>
    public static Target Node(int index) => new NodeTarget(index);

    /// <summary>A node that does not own the service, counted from the one after the owner.</summary>
    /// <param name="index">0 and up.</param>
    public static Target Other(int index) => new OtherTarget(index);

    /// <summary>The names of the hosts that are meant.</summary>
    /// <param name="nodes">All nodes in order.</param>
    /// <param name="owner">Who owns the service now; null for nobody, and then the first node stands for it.</param>
    /// <param name="database">How the host of the database is called.</param>
    public IReadOnlyList<string> Resolve(IReadOnlyList<string> nodes, string? owner, string database)
    {
        var ownerIndex = owner is null ? 0 : nodes.ToList().IndexOf(owner);
        return this switch
        {
            OwnerTarget => [nodes[ownerIndex]],
            EveryoneTarget => nodes,
            DatabaseTarget => [database],
            NodeTarget node => [nodes[node.Index % nodes.Count]],
            OtherTarget other => [nodes[(ownerIndex + 1 + (other.Index % (nodes.Count - 1))) % nodes.Count]],
            _ => throw new InvalidOperationException($"{GetType()} names nobody"),
        };
    }

    private sealed record OwnerTarget : Target
    {
        public override string ToString() => "the owner";
    }

    private sealed record EveryoneTarget : Target
    {
        public override string ToString() => "all nodes";
    }

    private sealed record DatabaseTarget : Target
    {
        public override string ToString() => "the database";
    }

    private sealed record NodeTarget(int Index) : Target
    {
        public override string ToString() => $"n{Index + 1}";
    }

    private sealed record OtherTarget(int Index) : Target
    {
        public override string ToString() => $"other {Index + 1}";
    }
}
