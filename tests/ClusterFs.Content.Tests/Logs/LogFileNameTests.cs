using ClusterFs.Content.Logs;

namespace ClusterFs.Content.Tests.Logs;

public sealed class LogFileNameTests
{
    [Theory]
    [InlineData("access.log", "access.log", 0, "", "", true)]
    [InlineData("access.log.1", "access.log", 1, "", "", false)]
    [InlineData("access.log.12.gz", "access.log", 12, "", "gz", false)]
    [InlineData("access.log.gz", "access.log", 0, "", "gz", false)]
    [InlineData("access.log-20261128", "access.log", 0, "20261128", "", false)]
    [InlineData("access.log-20261128.gz", "access.log", 0, "20261128", "gz", false)]
    [InlineData("access.log-20261128-1764370800.xz", "access.log", 0, "202611281764370800", "xz", false)]
    [InlineData("access.log-2026-11-28.2", "access.log", 2, "20261128", "", false)]
    [InlineData("access.log.2026-11-28", "access.log", 0, "20261128", "", false)]
    [InlineData("wiki-2.log", "wiki-2.log", 0, "", "", true)]
    [InlineData("wiki-2", "wiki-2", 0, "", "", true)]
    [InlineData("20261128", "20261128", 0, "", "", true)]
    [InlineData("gz", "gz", 0, "", "", true)]
    [InlineData(".1", ".1", 0, "", "", true)]
    public void Tells_rotation_from_the_name(string file, string name, int number, string date, string compression, bool isCurrent)
    {
        var parsed = LogFileName.Parse(file);
        Assert.Equal(new LogFileName(name, number, date, compression), parsed);
        Assert.Equal(isCurrent, parsed.IsCurrent);
    }

    [Fact]
    public void Older_files_come_first()
    {
        string[] expected = ["a.log-20261127.gz", "a.log-20261128-2.gz", "a.log-20261129", "a.log.10.gz", "a.log.2.gz", "a.log.1", "a.log"];
        Assert.Equal(
            expected, expected.Reverse().Order(Comparer<string>.Create((one, other) => LogFileName.Parse(one).CompareTo(LogFileName.Parse(other)))));
    }

    [Theory]
    [InlineData("%NODE%-*", "n1-access.log", "n1")]
    [InlineData("%NODE%-*", "n10-access.log", "n10")]
    [InlineData("*.%NODE%.log", "access.n2.log", "n2")]
    [InlineData("*-%NODE%", "access-n1", "n1")]
    [InlineData("%NODE%*", "n10access", "n10")]
    [InlineData("%NODE%-*", "access.log", null)]
    [InlineData("%NODE%-*", "n1-", null)]
    public void The_node_is_found_in_a_name(string pattern, string name, string? node) =>
        Assert.Equal(node, new NodeInName(pattern).NodeOf(name, ["n1", "n10", "n2"]));

    [Theory]
    [InlineData("wiki@20261128T231242123Z", "wiki")]
    [InlineData("wiki", "wiki")]
    [InlineData("wiki@20261328T231242123Z", "wiki@20261328T231242123Z")]
    [InlineData("wiki@20261128T231242123Zn1", "wiki@20261128T231242123Zn1")]
    public void What_was_moved_is_told_by_its_name(string directory, string link) => Assert.Equal(link, LogLayout.LinkOf(directory));
}
