using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Status;

namespace ClusterFs.Cluster.Tests;

/// <summary>The status page: in a browser, and under everything else that may be sent to its routes.</summary>
[Collection(OneWatchedCluster.Name)]
public sealed class PageTests(WatchedCluster watched)
{
    private const string Service = WatchedCluster.Service;
    private const string Move = "/page/services/wiki/move";
    private const string Json = "Content-Type: application/json\r\n";
    private const string Token = $"Authorization: Bearer {WatchedCluster.Token}\r\n";

    private static readonly TimeSpan Patience = WatchedCluster.Patience;

    public static TheoryData<string, int> Requests => new()
    {
        { "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 200 },
        { "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", 200 },
        { "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405 },
        { "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 413 },
        { "GET /page/state HTTP/1.1\r\nHost: localhost\r\n\r\n", 200 },
        { "DELETE /page/state HTTP/1.1\r\nHost: localhost\r\n\r\n", 405 },
        { "GET /page/page.js HTTP/1.1\r\nHost: localhost\r\n\r\n", 200 },
        { "GET /page/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404 },
        { "GET /page/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404 },
        { "GET /page/state HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421 },
        { "GET / HTTP/1.1\r\nHost: n1.evil.example:4080\r\n\r\n", 421 },
        { $"POST {Move} HTTP/1.1\r\nHost: evil.example\r\n{Token}{Json}Content-Length: 11\r\n\r\n{{\"to\":\"n2\"}}", 421 },
        { $"GET {Move} HTTP/1.1\r\nHost: localhost\r\n\r\n", 405 },
        { $"OPTIONS {Move} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://other\r\nAccess-Control-Request-Method: POST\r\n\r\n", 405 },
        { $"PUT {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Content-Length: 2\r\n\r\n{{}}", 413 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Json}Content-Length: 11\r\n\r\n{{\"to\":\"n2\"}}", 401 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token-of-another-cluster\r\n{Json}Content-Length: 11\r\n\r\n{{\"to\":\"n2\"}}", 401 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {WatchedCluster.Token}\r\n{Json}Content-Length: 11\r\n\r\n{{\"to\":\"n2\"}}", 401 },
        { $"POST {Move}?token={WatchedCluster.Token} HTTP/1.1\r\nHost: localhost\r\n{Json}Content-Length: 11\r\n\r\n{{\"to\":\"n2\"}}", 401 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Json}Content-Length: 100000000\r\n\r\n", 401 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Content-Length: 100000000\r\n\r\n", 413 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Content-Length: 5000\r\n\r\n", 413 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", 413 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}Content-Type: text/plain\r\nContent-Length: 11\r\n\r\n{{\"to\":\"n2\"}}", 415 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\nto=n2", 415 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Content-Length: 1\r\n\r\n{{", 400 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Content-Length: 2\r\n\r\n{{}}", 400 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Content-Length: 4\r\n\r\nnull", 400 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Content-Length: 10\r\n\r\n[[[[[[[[[[", 400 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Content-Length: 16\r\n\r\n{{\"to\":\"nowhere\"}}", 400 },
        { $"POST /page/services/nothing/pause HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Content-Length: 2\r\n\r\n{{}}", 404 },
        { $"POST /page/services/wiki/release HTTP/1.1\r\nHost: localhost\r\n{Token}{Json}Content-Length: 2\r\n\r\n{{}}", 404 },
        { $"POST {Move} HTTP/1.1\r\nHost: localhost\r\n{Token}{Token}{Json}Content-Length: 2\r\n\r\n{{}}", 401 },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Every_request_has_a_clear_status_and_no_effect(string request, int status)
    {
        var owner = await watched.Settle();
        var before = await Of(owner);

        var answer = await watched.Send(owner, request);

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", answer, StringComparison.Ordinal);
        Assert.DoesNotContain(WatchedCluster.Token, answer, StringComparison.Ordinal);
        var after = await Of(owner);
        Assert.Equal((before.Owner, before.Epoch, before.State), (after.Owner, after.Epoch, after.State));
    }

    [Fact]
    public async Task The_page_asks_nobody_else_is_framed_by_nobody_and_tells_no_secret()
    {
        var owner = await watched.Settle();
        foreach (var path in new[] { "/", "/page/page.js", "/page/page.css", "/page/icon.svg", "/page/state" })
        {
            var head = await watched.Send(owner, $"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            Assert.Contains("\r\nContent-Security-Policy: default-src 'none'; script-src 'self';", head, StringComparison.Ordinal);
            Assert.Contains("\r\nX-Content-Type-Options: nosniff\r\n", head, StringComparison.Ordinal);
            var (status, text) = await watched.Ask(owner, path);
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.DoesNotContain(WatchedCluster.Token, text, StringComparison.Ordinal);
            Assert.DoesNotContain("Data Source", text, StringComparison.Ordinal);
            Assert.DoesNotContain("https://", text, StringComparison.Ordinal);
        }

        var tag = (await watched.Send(owner, "GET /page/page.js HTTP/1.1\r\nHost: localhost\r\n\r\n")).Split("ETag: ")[1].Split("\r\n")[0];
        Assert.StartsWith("HTTP/1.1 304 ", await watched.Send(owner, $"GET /page/page.js HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {tag}\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_tries_many_tokens_is_kept_out_with_the_right_one_too_and_nobody_else()
    {
        const string guesser = "127.0.7.7";
        var owner = await watched.Settle();
        string Ask(string token) => $"POST {Move} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{Json}Content-Length: 2\r\n\r\n{{}}";
        for (var i = 0; i < 10; i++)
        {
            Assert.StartsWith("HTTP/1.1 401 ", await watched.Send(owner, Ask("the-same-one-as-before"), guesser), StringComparison.Ordinal);
        }

        for (var i = 1; i < 10; i++)
        {
            Assert.StartsWith("HTTP/1.1 401 ", await watched.Send(owner, Ask($"guess-of-22-letters-{i}"), guesser), StringComparison.Ordinal);
        }

        foreach (var token in new[] { "one-more", WatchedCluster.Token })
        {
            var answer = await watched.Send(owner, Ask(token), guesser);
            Assert.StartsWith("HTTP/1.1 429 ", answer, StringComparison.Ordinal);
            Assert.InRange(int.Parse(answer.Split("Retry-After: ")[1].Split("\r\n")[0], CultureInfo.InvariantCulture), 1, 60);
        }

        // Nor does reading tell whether a guess is right, and it goes on.
        Assert.StartsWith("HTTP/1.1 200 ", await watched.Send(owner, $"GET /page/state HTTP/1.1\r\nHost: localhost\r\n{Token}\r\n", guesser), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400 ", await watched.Send(owner, Ask(WatchedCluster.Token)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_has_the_token_pauses_resumes_and_dumps()
    {
        var owner = await watched.Settle();
        Assert.Equal(HttpStatusCode.NoContent, await Act(owner, "pause"));
        try
        {
            await UntilPaused(owner, true);
            Assert.Equal(HttpStatusCode.NoContent, await Act(owner, "resume"));
            await UntilPaused(owner, false);
        }
        catch
        {
            await owner.Clusterfs("resume", WatchedCluster.Service);
            throw;
        }

        Assert.Equal(HttpStatusCode.NoContent, await Act(owner, "dump"));
        Assert.Equal(HttpStatusCode.Conflict, await Act(watched.Cluster.Nodes.First(node => node != owner), "dump"));
    }

    [SkippableFact]
    public async Task In_a_browser_it_shows_what_is_follows_a_move_and_needs_no_mouse()
    {
        Skip.IfNot(File.Exists(Browser.Program), "needs Debian's package chromium");
        var owner = await watched.Settle();
        await watched.Until(owner, "/ready", HttpStatusCode.OK);
        await using var browser = await Browser.Open(watched.Of(owner, "/"), 1100, 900);
        const string Shown = "document.querySelector('#service-list strong')?.textContent";
        await browser.Until("the owner is shown", Shown, owner.Name);
        await browser.Until("its history too", "document.querySelectorAll('#timeline .granted, #timeline .start').length > 0", "true");
        Assert.Equal("3", await browser.Read("document.querySelectorAll('#node-list .card').length"));

        // By keyboard alone: to the token, in, to the button, to the node, yes.
        await Reach(browser, "document.activeElement.id", "token");
        await browser.Type(WatchedCluster.Token);
        await browser.Press("Enter");
        await Reach(browser, "document.activeElement.dataset.act", "move");
        await browser.Press("Enter");
        await browser.Until("it is asked where to", "document.querySelector('#ask').open && document.activeElement.id", "ask-node");
        var target = await browser.Read("document.querySelector('#ask-node').value");
        await Reach(browser, "document.activeElement.id", "ask-yes");
        await browser.Press("Enter");
        await browser.Until("the new owner is shown, by itself", Shown, target);
        await browser.Until("it is said", $"document.querySelector('#told').textContent.includes('{target}') || document.querySelector('#told').textContent.includes('done')", "true");
        await browser.Until("the focus is not lost", "document.activeElement.dataset.act", "move");

        await browser.Resize(360, 740);
        Assert.Equal("true", await browser.Read("document.documentElement.scrollWidth <= 360"));
        await Shoot(browser, "telephone");
        var light = await browser.Read("getComputedStyle(document.documentElement).backgroundColor");
        await browser.Prefer("prefers-color-scheme", "dark");
        Assert.NotEqual(light, await browser.Read("getComputedStyle(document.documentElement).backgroundColor"));
        await browser.Resize(1100, 900);
        await Shoot(browser, "dark");
        Assert.Empty(browser.Complaints);
        Assert.Equal("false", await browser.Read("localStorage.length + sessionStorage.length + document.cookie.length > 0"));
    }

    /// <summary>Where <c>CLUSTERFS_SHOTS</c> names a directory, for people to look at.</summary>
    private static Task Shoot(Browser browser, string name) =>
        Environment.GetEnvironmentVariable("CLUSTERFS_SHOTS") is { } directory ? browser.Shoot(Path.Combine(directory, $"{name}.png")) : Task.CompletedTask;

    private static async Task Reach(Browser browser, string expression, string value)
    {
        for (var pressed = 0; await browser.Read(expression) != value; pressed++)
        {
            Assert.InRange(pressed, 0, 30);
            await browser.Press("Tab");
        }
    }

    private Task<JsonNode> UntilPaused(ClusterNode node, bool paused) => Eventually.Get($"{Service} is {(paused ? "" : "not ")}paused", Patience, async () =>
    {
        var state = JsonNode.Parse((await watched.Ask(node, "/page/state")).Text)!;
        return state["status"]!["services"]![0]!["paused"]!.GetValue<bool>() == paused ? state : null;
    });

    private async Task<HttpStatusCode> Act(ClusterNode node, string action)
    {
        using var client = new HttpClient { Timeout = Patience };
        using var request = new HttpRequestMessage(HttpMethod.Post, watched.Of(node, $"/page/services/{Service}/{action}"))
        {
            Content = new StringContent("{}", Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", WatchedCluster.Token);
        using var answer = await client.SendAsync(request);
        return answer.StatusCode;
    }

    private Task<ServiceStatus> Of(ClusterNode node) =>
        watched.Cluster.UntilService(Service, $"is owned by {node.Name}", Patience, service => service.IsOwned && service.Owner == node.Name);
}
