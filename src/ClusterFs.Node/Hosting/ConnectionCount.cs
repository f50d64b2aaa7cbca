using System.Net;

namespace ClusterFs.Node.Hosting;

/// <summary>How many connections are open, in all and from each address. Thread-safe.</summary>
internal sealed class ConnectionCount(int max, int maxOfOne)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, int> _open = [];
    private int _all;

    /// <returns>False when there are too many; then it is not counted.</returns>
    public bool TryAdd(IPAddress from)
    {
        lock (_lock)
        {
            var ofOne = _open.GetValueOrDefault(from);
            if (_all >= max || ofOne >= maxOfOne)
            {
                return false;
            }

            _all++;
            _open[from] = ofOne + 1;
            return true;
        }
    }

    public void Remove(IPAddress from)
    {
        lock (_lock)
        {
            _all--;
            if (_open[from] == 1)
            {
                _open.Remove(from);
            }
            else
            {
                _open[from]--;
            }
        }
    }
}
