using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClusterFs.Demo;

namespace ClusterFs.Cluster.Tests.Bench;

/// <summary>A browser without a screen, driven by the keys that somebody would press.</summary>
internal sealed class Browser : IAsyncDisposable
{
    public const string Program = "/usr/bin/chromium";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("clusterfs-browser-");
    private readonly ClientWebSocket _socket = new();
    private readonly Dictionary<int, TaskCompletionSource<JsonNode?>> _waiting = [];
    private readonly List<string> _complaints = [];
    private readonly Process _process;
    private Task _reading = Task.CompletedTask;
    private int _sent;

    private Browser() => _process = Process.Start(new ProcessStartInfo(Program,
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
        "--remote-debugging-port=0", $"--user-data-dir={_profile.FullName}", "about:blank",
    ])
    {
        RedirectStandardError = true,
        RedirectStandardOutput = true,
    })!;

    /// <summary>What the page's console complained of, uncaught exceptions and refused loads included.</summary>
    public IReadOnlyList<string> Complaints
    {
        get
        {
            lock (_complaints)
            {
                return [.. _complaints];
            }
        }
    }

    public static async Task<Browser> Open(Uri page, int width, int height)
    {
        var browser = new Browser();
        try
        {
            _ = browser._process.StandardError.ReadToEndAsync();
            _ = browser._process.StandardOutput.ReadToEndAsync();
            await browser._socket.ConnectAsync(await browser.TargetAsync(), CancellationToken.None);
            browser._reading = browser.ReadAsync();
            await browser.Send("Runtime.enable");
            await browser.Send("Log.enable");
            await browser.Send("Page.enable");
            await browser.Resize(width, height);
            await browser.Send("Page.navigate", new JsonObject { ["url"] = page.ToString() });
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    public Task Resize(int width, int height) => Send(
        "Emulation.setDeviceMetricsOverride", new JsonObject { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = width < 500 });

    public Task Prefer(string feature, string value) => Send(
        "Emulation.setEmulatedMedia", new JsonObject { ["features"] = new JsonArray(new JsonObject { ["name"] = feature, ["value"] = value }) });

    /// <returns>What an expression in the page is, as text.</returns>
    public async Task<string> Read(string expression)
    {
        var result = await Send("Runtime.evaluate", new JsonObject { ["expression"] = $"String({expression})", ["returnByValue"] = true });
        return result?["exceptionDetails"] is { } problem ? throw new InvalidOperationException($"{expression}: {problem}") : result!["result"]!["value"]!.GetValue<string>();
    }

    public Task Until(string what, string expression, string value) => Eventually.Get(
        $"{what}: {expression} is {value}", Patience, async () => await Read(expression) == value ? expression : null, () => string.Join('\n', Complaints));

    public async Task Press(string key)
    {
        var (code, text) = key switch
        {
            "Tab" => (9, null),
            "Enter" => (13, "\r"),
            "Escape" => (27, null),
            "ArrowDown" => (40, (string?)null),
            _ => throw new ArgumentOutOfRangeException(nameof(key), key, "no such key here"),
        };
        var down = new JsonObject { ["type"] = text is null ? "rawKeyDown" : "keyDown", ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = code };
        if (text is not null)
        {
            down["text"] = text;
        }

        await Send("Input.dispatchKeyEvent", down);
        await Send("Input.dispatchKeyEvent", new JsonObject { ["type"] = "keyUp", ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = code });
    }

    public Task Type(string text) => Send("Input.insertText", new JsonObject { ["text"] = text });

    public async Task Shoot(string file) => await File.WriteAllBytesAsync(
        file, Convert.FromBase64String((await Send("Page.captureScreenshot", new JsonObject { ["captureBeyondViewport"] = true }))!["data"]!.GetValue<string>()));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
        _process.Dispose();
        await Eventually.Get("the browser's profile is gone", Patience, () =>
        {
            try
            {
                _profile.Delete(recursive: true);
            }
            catch (DirectoryNotFoundException)
            {
                // Gone.
            }
            catch (IOException)
            {
                return Task.FromResult<string?>(null);
            }

            return Task.FromResult<string?>("gone");
        });
    }

    private async Task<Uri> TargetAsync()
    {
        using var http = new HttpClient();
        var portFile = Path.Combine(_profile.FullName, "DevToolsActivePort");
        return await Eventually.Get("the browser can be driven", Patience, async () =>
        {
            if (!File.Exists(portFile) || !int.TryParse((await File.ReadAllLinesAsync(portFile)).FirstOrDefault(), CultureInfo.InvariantCulture, out var port))
            {
                return null;
            }

            var targets = JsonNode.Parse(await http.GetStringAsync($"http://127.0.0.1:{port}/json/list"))!.AsArray();
            return targets.FirstOrDefault(target => (string?)target!["type"] == "page") is { } page ? new Uri(page["webSocketDebuggerUrl"]!.GetValue<string>()) : null;
        });
    }

    private async Task<JsonNode?> Send(string method, JsonObject? parameters = null)
    {
        var answer = new TaskCompletionSource<JsonNode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var id = Interlocked.Increment(ref _sent);
        lock (_waiting)
        {
            _waiting[id] = answer;
        }

        var message = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] };
        await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        return await answer.Task.WaitAsync(Patience);
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[1 << 16];
        using var message = new MemoryStream();
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                message.Write(buffer, 0, part.Count);
                if (part.EndOfMessage)
                {
                    Take(JsonNode.Parse(message.ToArray())!);
                    message.SetLength(0);
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or InvalidOperationException or JsonException)
        {
            // The browser was ended.
        }
    }

    private void Take(JsonNode message)
    {
        if (message["id"]?.GetValue<int>() is { } id)
        {
            TaskCompletionSource<JsonNode?>? answer;
            lock (_waiting)
            {
                _waiting.Remove(id, out answer);
            }

            _ = message["error"] is { } error ? answer?.TrySetException(new InvalidOperationException(error.ToString())) : answer?.TrySetResult(message["result"]);
            return;
        }

        var happened = (string?)message["method"];
        var isComplaint = happened == "Runtime.exceptionThrown"
            || (happened == "Log.entryAdded" && (string?)message["params"]!["entry"]!["level"] is "error" or "warning")
            || (happened == "Runtime.consoleAPICalled" && (string?)message["params"]!["type"] is "error" or "warning" or "assert");
        if (isComplaint)
        {
            lock (_complaints)
            {
                _complaints.Add(message["params"]!.ToJsonString());
            }
        }
    }
}
