using System.Diagnostics;
using System.Globalization;
using System.Net;
using ClusterFs.Demo;

namespace ClusterFs.Cluster.Tests.Static;

/// <summary>An nginx that serves a node's static content, and no part of the node: it runs on when the node's processes are killed.</summary>
internal sealed class WebServer : IDisposable
{
    public const string Nginx = "/usr/sbin/nginx";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;

    private WebServer(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    /// <param name="root">What it serves.</param>
    public static async Task<WebServer> Start(string directory, string host, int port, string root)
    {
        Directory.CreateDirectory(directory);
        var main = Path.Combine(directory, "nginx.conf");
        File.WriteAllText(main, string.Create(CultureInfo.InvariantCulture, $$"""
            user root;
            pid {{directory}}/nginx.pid;
            error_log {{directory}}/error.log;
            daemon off;
            worker_processes 1;
            events {}
            http {
              access_log off;
              sendfile on;
              client_body_temp_path {{directory}}/body; proxy_temp_path {{directory}}/proxy; fastcgi_temp_path {{directory}}/fastcgi;
              uwsgi_temp_path {{directory}}/uwsgi; scgi_temp_path {{directory}}/scgi;
              server { listen {{host}}:{{port}}; root {{root}}; }
            }
            """));
        var process = Process.Start(new ProcessStartInfo(Nginx, ["-c", main]))!;
        var server = new WebServer(process, new Uri(string.Create(CultureInfo.InvariantCulture, $"http://{host}:{port}/")));
        using var http = new HttpClient();
        await Eventually.Get("nginx answers", Patience, async () =>
        {
            try
            {
                using var answer = await http.GetAsync(server.Address);
                return answer.StatusCode != HttpStatusCode.ServiceUnavailable ? server : null;
            }
            catch (HttpRequestException)
            {
                return null;
            }
        });
        return server;
    }

    public void Dispose()
    {
        // Its worker goes with it.
        using (Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            _process.WaitForExit(Patience);
        }

        _process.Dispose();
    }
}
