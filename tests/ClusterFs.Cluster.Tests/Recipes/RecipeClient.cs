namespace ClusterFs.Cluster.Tests.Recipes;

/// <summary>A client of a recipe's service, behind HAProxy. Used by one caller at a time.</summary>
internal abstract class RecipeClient : IDisposable
{
    /// <summary>Writes a number that was not written before. When it returns, the service has acknowledged it.</summary>
    /// <exception cref="Exception">Of any kind: it may be there or not. The next call connects anew.</exception>
    public abstract Task Write(long number, CancellationToken cancelled);

    /// <summary>All numbers that the service has now.</summary>
    public abstract Task<IReadOnlySet<long>> ReadAll(CancellationToken cancelled);

    public abstract void Dispose();
}
