using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Tests;

public sealed class StatusFrameTests
{
    [Theory]
    [InlineData(200, "SERVICE  STATE  OWNER  EPOCH  LEASE  LAST DUMP       AT RISK        DIVERGENT")]
    [InlineData(70, "SERVICE  STATE  OWNER  LEASE  LAST DUMP       AT RISK        DIVERGENT")]
    [InlineData(60, "SERVICE  STATE  OWNER  LAST DUMP       AT RISK")]
    [InlineData(40, "SERVICE  STATE  OWNER  AT RISK")]
    [InlineData(25, "SERVICE  STATE  OWNER")]
    [InlineData(10, "SERVICE  S")]
    public void A_narrow_screen_does_without_what_can_be_done_without(int width, string headings)
    {
        var frame = StatusFrame.Of(View(), null, width, 30, 0);
        Assert.Equal(headings, Assert.Single(frame.Lines, line => line.Emphasis == Emphasis.Strong).Text);
        Assert.All(frame.Lines, line => Assert.InRange(line.Text.Length, 0, width));
        Assert.Equal(30, frame.Lines.Count);
    }

    [Fact]
    public void Long_lines_are_broken_between_words_and_nothing_of_them_is_lost()
    {
        var frame = StatusFrame.Of(View(), null, 20, 30, 0);
        var text = string.Join(' ', frame.Lines.Select(line => line.Text.Trim()).Where(line => line.Length > 0));
        Assert.Contains("Seen from n1: quorum; n1 up, n2 up", text, StringComparison.Ordinal);
        Assert.Contains("wiki: a note that is a little longer than the screen is wide", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_fit_is_scrolled_to_and_no_further_than_to_its_end()
    {
        var top = StatusFrame.Of(View(), null, 100, 4, 0);
        Assert.Equal(("q quits, up and down scroll; lines 1 to 3 of 6", 4), (top.Lines[^1].Text, top.Lines.Count));
        var end = StatusFrame.Of(View(), null, 100, 4, 1000);
        Assert.Equal(3, end.Scrolled);
        Assert.Equal("wiki: a note that is a little longer than the screen is wide", end.Lines[2].Text);
    }

    [Fact]
    public void Words_of_hooks_do_not_steer_the_terminal()
    {
        var frame = StatusFrame.Of(View() with { Notes = ["wiki: 10 %\r20 %\u001b]0;title\u0007"] }, null, 100, 30, 0);
        Assert.Contains(frame.Lines, line => line.Text == "wiki: 10 % 20 %\uFFFD]0;title\uFFFD");
    }

    [Fact]
    public void A_daemon_that_is_away_is_said_above_what_it_said_last()
    {
        var frame = StatusFrame.Of(View(), "it is away", 100, 30, 0);
        Assert.Equal(new FrameLine("it is away", Emphasis.Alarm), frame.Lines[0]);
        Assert.Equal("Seen from n1: quorum; n1 up, n2 up", frame.Lines[1].Text);
        Assert.Equal(3, StatusFrame.Of(null, "it is away", 100, 3, 5).Lines.Count);
        Assert.Single(StatusFrame.Of(View(), null, 1, 1, 0).Lines);
    }

    private static StatusView View()
    {
        var services = new Listing("SERVICE", "STATE", "OWNER", "EPOCH", "LEASE", "LAST DUMP", "AT RISK", "DIVERGENT");
        services.Add("wiki", "owned", "n1", "7", "4.2 s", "#12, 3.1 s ago", "3.1 s, 80 KiB", "2");
        return new StatusView("Seen from n1: quorum; n1 up, n2 up", services, ["wiki: a note that is a little longer than the screen is wide"]);
    }
}
