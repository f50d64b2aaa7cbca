namespace ClusterFs.Faults.Tests;

/// <summary>Two clusters at once are too much for a small machine to settle in time.</summary>
[CollectionDefinition(Name)]
public sealed class OneRig
{
    public const string Name = "one rig";
}
