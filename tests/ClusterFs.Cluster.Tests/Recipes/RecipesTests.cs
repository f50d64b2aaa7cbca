using Xunit.Abstractions;

namespace ClusterFs.Cluster.Tests.Recipes;

[Collection(OneRecipeCluster.Name)]
public sealed class SqliteRecipeTests(RecipeCluster site, ITestOutputHelper output)
{
    [SkippableFact]
    public Task A_failover_keeps_what_was_dumped_and_a_move_everything() => new RecipeRun(site, site.Recipe<SqliteRecipe>(), output).Withstand();
}

[Collection(OneRecipeCluster.Name)]
public sealed class RedisRecipeTests(RecipeCluster site, ITestOutputHelper output)
{
    [SkippableFact]
    public Task A_failover_keeps_what_was_dumped_and_a_move_everything() => new RecipeRun(site, site.Recipe<RedisRecipe>(), output).Withstand();
}

[Collection(OneRecipeCluster.Name)]
public sealed class PostgresqlRecipeTests(RecipeCluster site, ITestOutputHelper output)
{
    [SkippableFact]
    public Task A_failover_keeps_what_was_dumped_and_a_move_everything() => new RecipeRun(site, site.Recipe<PostgresqlRecipe>(), output).Withstand();
}

[Collection(OneRecipeCluster.Name)]
public sealed class MaildirRecipeTests(RecipeCluster site, ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [SkippableFact]
    public async Task A_failover_keeps_what_was_dumped_and_a_move_everything_and_no_message_takes_the_place_of_another()
    {
        var recipe = site.Recipe<MaildirRecipe>();
        IReadOnlyDictionary<long, long> seen = new Dictionary<long, long>();

        await new RecipeRun(site, recipe, output).Withstand(
            async () => seen = await Messages(),
            async () =>
            {
                // A client remembers messages by their UIDs, also those that were lost with the node.
                var now = await Messages();
                Assert.All(now.Keys.Intersect(seen.Keys), uid => Assert.Equal(seen[uid], now[uid]));
            });

        async Task<IReadOnlyDictionary<long, long>> Messages()
        {
            using var limit = new CancellationTokenSource(Patience);
            return await recipe.Messages(limit.Token);
        }
    }
}
