using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;
using CsCheck;

namespace ClusterFs.Archive.Tests.Damage;

/// <summary>The plan of a change with anything in it.</summary>
public sealed class ChangePlanFuzzTests
{
    private static readonly ChangePlan Plan = new(
        [
            new PlannedChange.Absent("gone/file"),
            new PlannedChange.MadeDirectory("new"),
            new PlannedChange.Placed("new/file ü", 3),
            new PlannedChange.Patched("db", 1 << 20, Digest.Of("db"u8), 4096, [new PatchedRange(0, 4096, false), new PatchedRange(8192, 12288, true), new PatchedRange(1 << 19, 8192, false)]),
            new PlannedChange.Linked("b", "a"),
            new PlannedChange.Attributed("new", 0x1ED, 1, 2, -5, AttributeList.Of([new ExtendedAttribute("user.a", [1, 2])]), IsDirectory: true),
            new PlannedChange.Attributed(string.Empty, 0x1C0, 0, 0, null, null, IsDirectory: true),
        ],
        16384,
        ulong.MaxValue - 1,
        -7);

    [Fact]
    public void It_is_read_as_it_was_written()
    {
        var read = ChangePlan.Read(Plan.Write());

        Assert.Equal((Plan.PagesLength, Plan.PagesHash, Plan.PageSeed), (read.PagesLength, read.PagesHash, read.PageSeed));
        Assert.Equal(Plan.Write(), read.Write());
        Assert.Equal(Plan.Changes.Select(Words), read.Changes.Select(Words));

        static string Words(PlannedChange change) =>
            change is PlannedChange.Patched patched ? $"{patched with { Ranges = [] }} {string.Join(' ', patched.Ranges)}" : change.ToString();
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("/absolute")]
    [InlineData("a/../../b")]
    public void A_path_that_leads_out_of_the_tree_is_refused(string path)
    {
        foreach (var change in (PlannedChange[])[new PlannedChange.Absent(path), new PlannedChange.Placed(path, 0), new PlannedChange.Linked("a", path)])
        {
            Assert.Throws<FormatException>(() => ChangePlan.Read((Plan with { Changes = [change] }).Write()));
        }
    }

    [Theory]
    [InlineData(4096, 4096, 0, 4096)]
    [InlineData(0, 8192, 0, 4096)]
    [InlineData(0, 4096, 4096, 8192)]
    public void A_range_outside_of_its_file_or_of_what_is_staged_is_refused(long offset, long length, long start, long pages)
    {
        var change = new PlannedChange.Patched("db", 6000, Digest.Of("db"u8), start + (pages == 8192 ? 1000 : 0), [new PatchedRange(offset, length, false)]);
        Assert.Throws<FormatException>(() => ChangePlan.Read(new ChangePlan([change], pages, 0, 0).Write()));
    }

    [Fact]
    public void Any_bytes_are_a_plan_or_refused() => Gen.Select(Gen.Int[0, 10_000], Gen.Byte.Array[0, 12], Gen.Int[0, 12], Gen.Bool).Sample(
        (at, put, removed, cut) =>
        {
            var bytes = Plan.Write();
            at %= bytes.Length;
            byte[] damaged = [.. bytes[..at], .. put, .. cut ? [] : bytes[Math.Min(bytes.Length, at + removed)..]];
            try
            {
                var read = ChangePlan.Read(damaged);
                Assert.True(read.Changes.Count <= damaged.Length);
            }
            catch (FormatException)
            {
                // Meant for it.
            }
        },
        iter: 50_000);
}
