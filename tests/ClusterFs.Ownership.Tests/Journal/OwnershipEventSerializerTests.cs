using System.Collections.Immutable;
using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Journal;

namespace ClusterFs.Ownership.Tests.Journal;

public sealed class OwnershipEventSerializerTests : TestKit
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    /// <summary>What is on disk for ever. A line here is never edited: a changed event gets a new manifest, and both are read.</summary>
    public static TheoryData<OwnershipEvent, string, string> Stored => new()
    {
        {
            new VoterJoined(At, "n2", new Guid("00112233-4455-6677-8899-aabbccddeeff")),
            "voter-joined-v1",
            """{"at":"2026-01-02T03:04:05+00:00","voter":"n2","identity":"00112233-4455-6677-8899-aabbccddeeff"}"""
        },
        {
            new FencingBegun(At, 7, GrantCause.Failover),
            "fencing-v1",
            """{"at":"2026-01-02T03:04:05+00:00","epoch":7,"cause":"failover"}"""
        },
        {
            new OwnershipGranted(
                At,
                7,
                "n1",
                ImmutableSortedSet.Create(StringComparer.Ordinal, "n1", "n2", "n3"),
                TimeSpan.FromSeconds(5),
                TimeSpan.FromMilliseconds(1500),
                GrantCause.Move),
            "granted-v1",
            """{"at":"2026-01-02T03:04:05+00:00","epoch":7,"node":"n1","voters":["n1","n2","n3"],"ttlMs":5000,"stopBudgetMs":1500,"cause":"move"}"""
        },
        {
            new OwnershipGranted(
                At, 7, "n1", ImmutableSortedSet.Create(StringComparer.Ordinal, "n1"), TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(1500), GrantCause.Failover)
            {
                Lost = new AtRisk("n2", 1.5, 4096),
            },
            "granted-v1",
            """{"at":"2026-01-02T03:04:05+00:00","epoch":7,"node":"n1","voters":["n1"],"ttlMs":5000,"stopBudgetMs":1500,"cause":"failover","lost":{"node":"n2","seconds":1.5,"bytes":4096}}"""
        },
        {
            new OwnershipContinued(At, 8, "n1"),
            "continued-v1",
            """{"at":"2026-01-02T03:04:05+00:00","epoch":8,"node":"n1"}"""
        },
        {
            new OwnershipReleased(At, 7, "n1", "a planned stop") { HandedOver = true },
            "released-v1",
            """{"at":"2026-01-02T03:04:05+00:00","epoch":7,"node":"n1","reason":"a planned stop","handedOver":true}"""
        },
        {
            new OwnershipReleased(At, 7, "n1", "the lease ran out"),
            "released-v1",
            """{"at":"2026-01-02T03:04:05+00:00","epoch":7,"node":"n1","reason":"the lease ran out","handedOver":false}"""
        },
        {
            new OwnerPowerFenced(At, 8, "n1", true, "off"),
            "power-fenced-v1",
            """{"at":"2026-01-02T03:04:05+00:00","epoch":8,"node":"n1","succeeded":true,"outcome":"off"}"""
        },
        {
            new MoveBegun(At, "n1", "n2", 7),
            "move-v1",
            """{"at":"2026-01-02T03:04:05+00:00","from":"n1","to":"n2","epoch":7}"""
        },
        {
            new MoveBegun(At, "n2", "n1", 7) { Why = MoveReason.Together },
            "move-v1",
            """{"at":"2026-01-02T03:04:05+00:00","from":"n2","to":"n1","epoch":7,"why":"together"}"""
        },
        {
            new MoveBegun(At, "n2", "n1", 7) { Why = MoveReason.Failback },
            "move-v1",
            """{"at":"2026-01-02T03:04:05+00:00","from":"n2","to":"n1","epoch":7,"why":"failback"}"""
        },
        {
            new MoveAbandoned(At, "n2", "it went away"),
            "move-abandoned-v1",
            """{"at":"2026-01-02T03:04:05+00:00","to":"n2","reason":"it went away"}"""
        },
        {
            new OwnershipStarted(At, 7, "n1"),
            "started-v1",
            """{"at":"2026-01-02T03:04:05+00:00","epoch":7,"node":"n1"}"""
        },
        {
            new OwnershipSettled(At, 7, "n1"),
            "settled-v1",
            """{"at":"2026-01-02T03:04:05+00:00","epoch":7,"node":"n1"}"""
        },
        {
            new OwnershipDamped(At, 7, 5),
            "damped-v1",
            """{"at":"2026-01-02T03:04:05+00:00","epoch":7,"starts":5}"""
        },
        { new OwnershipPaused(At), "paused-v1", """{"at":"2026-01-02T03:04:05+00:00"}""" },
        { new OwnershipResumed(At), "resumed-v1", """{"at":"2026-01-02T03:04:05+00:00"}""" },
    };

    [Theory]
    [MemberData(nameof(Stored))]
    public void The_stored_form_is_pinned(OwnershipEvent happened, string manifest, string json)
    {
        var serializer = new OwnershipEventSerializer((ExtendedActorSystem)Sys);

        Assert.Equal(4243, serializer.Identifier);
        Assert.Equal(manifest, serializer.Manifest(happened));
        Assert.Equal(json, Encoding.UTF8.GetString(serializer.ToBinary(happened)));
        Assert.Equal(json, Encoding.UTF8.GetString(serializer.ToBinary(serializer.FromBinary(Encoding.UTF8.GetBytes(json), manifest))));
    }

    [Fact]
    public void An_event_of_a_later_version_is_not_skipped()
    {
        var serializer = new OwnershipEventSerializer((ExtendedActorSystem)Sys);

        Assert.Throws<SerializationException>(() => serializer.FromBinary("{}"u8.ToArray(), "granted-v9"));
    }
}
