using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Cluster.Tests.Recipes;

/// <summary>Three nodes with the default times, on which all recipes are followed whose packages are installed, and HAProxy before them.</summary>
public sealed class RecipeCluster : IAsyncLifetime
{
    private const string HaProxy = "/usr/sbin/haproxy";

    private readonly Dictionary<Type, Recipe> _recipes = [];
    private readonly Dictionary<Type, string> _missing = [];
    private LocalCluster? _cluster;

    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Of a PostgreSQL that is dumped by snapshots.</summary>
    public BtrfsDisk Disk { get; } = new();

    public LocalCluster Cluster => _cluster ?? throw new InvalidOperationException("set up by xunit, where a recipe can be followed");

    public async Task InitializeAsync()
    {
        foreach (var recipe in (Recipe[])[new SqliteRecipe(), new RedisRecipe(), new PostgresqlRecipe(Disk), new MaildirRecipe()])
        {
            if (recipe.Missing is { } missing)
            {
                _missing[recipe.GetType()] = missing;
            }
            else if (!File.Exists(HaProxy))
            {
                _missing[recipe.GetType()] = $"{HaProxy} is missing: apt-get install haproxy";
            }
            else
            {
                _recipes[recipe.GetType()] = recipe;
            }
        }

        if (_recipes.Count > 0)
        {
            await Follow();
        }
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        Disk.Dispose();
    }

    /// <summary>The recipe; the test is skipped where it cannot be followed.</summary>
    internal T Recipe<T>()
        where T : Recipe
    {
        Skip.If(_missing.TryGetValue(typeof(T), out var missing), missing);
        return (T)_recipes[typeof(T)];
    }

    private async Task Follow()
    {
        _cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "recipes",
            Binaries = Binaries.Find(),
            Services =
            [
                .. _recipes.Values.Select(recipe => new LocalService(
                    recipe.Service, TimeSpan.FromSeconds(1), node => recipe.Command(Cluster, node))),
            ],
        });
        foreach (var recipe in _recipes.Values)
        {
            foreach (var node in Cluster.Nodes)
            {
                await recipe.Install(Cluster, node);
            }
        }

        foreach (var node in Cluster.Nodes)
        {
            node.Start();
        }

        // One for all of them; its health checks fail until a node owns something.
        LaunchedProcess.Start(
            "haproxy",
            Path.Combine(Cluster.Directory, "haproxy.log"),
            Cluster.Directory,
            Cluster.EnvironmentOf("haproxy"),
            [HaProxy, "-db", .. _recipes.Values.SelectMany(recipe => (string[])["-f", recipe.LoadBalancing(Cluster)])]);
        await Cluster.UntilComplete(Patience);
    }
}

[CollectionDefinition(Name)]
public sealed class OneRecipeCluster : ICollectionFixture<RecipeCluster>
{
    public const string Name = "one cluster of recipes";
}
