using System.Globalization;
using ClusterFs.Demo;

namespace ClusterFs.Cluster.Tests.Recipes;

internal sealed class SqliteRecipe() : Recipe("sqlite", "notes", "notes.service", "/var/lib/notes", [8000], 0)
{
    private Uri? _address;

    public override string? Missing => MissingProgram("python3", "/usr/bin/python3");

    public override RecipeClient Connect() => new Client(_address!);

    public override async Task Prepare(ClusterNode node)
    {
        _address = new Uri($"http://{Host}:{Port(node.Cluster, 8000)}/notes");
        await MakeDirectory(LivePath(node), "www-data");
    }

    private sealed class Client(Uri address) : RecipeClient
    {
        private readonly HttpClient _http = new();

        public override async Task Write(long number, CancellationToken cancelled)
        {
            using var text = new StringContent(number.ToString(CultureInfo.InvariantCulture));
            using var answer = await _http.PostAsync(address, text, cancelled);
            answer.EnsureSuccessStatusCode();
        }

        public override async Task<IReadOnlySet<long>> ReadAll(CancellationToken cancelled) =>
            (await _http.GetStringAsync(address, cancelled))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => long.Parse(line, CultureInfo.InvariantCulture))
                .ToHashSet();

        public override void Dispose() => _http.Dispose();
    }
}
