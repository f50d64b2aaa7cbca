namespace ClusterFs.Simulation;

/// <summary>Every state that the service's content ever had, and which it was made from. 0 is no content at all.</summary>
public sealed class ContentTree
{
    private readonly List<int> _parents = [0];

    public int After(int parent)
    {
        _parents.Add(parent);
        return _parents.Count - 1;
    }

    /// <summary>Whether all that is in <paramref name="older"/> is in <paramref name="newer"/> too.</summary>
    public bool Holds(int newer, int older)
    {
        for (var content = newer; content >= older; content = _parents[content])
        {
            if (content == older)
            {
                return true;
            }
        }

        return false;
    }
}
