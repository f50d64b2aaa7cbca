using ClusterFs.Archive.Manifests;

namespace ClusterFs.Archive.Capture;

/// <summary>Walks through the rows of an index beside a tree, which is in the same order.</summary>
internal sealed class KnownRows(IEnumerable<IndexRow> rows) : IDisposable
{
    private readonly IEnumerator<IndexRow> _rows = rows.GetEnumerator();
    private IndexRow? _next;
    private bool _started;

    /// <summary>How many rows were passed that no path asked for: what is gone.</summary>
    public long Vanished { get; private set; }

    /// <param name="path">Follows all that were asked for before.</param>
    /// <returns>The row of the path; null when there is none.</returns>
    public IndexRow? Find(string path)
    {
        if (!_started)
        {
            _started = true;
            Advance();
        }

        while (_next is not null)
        {
            var order = PathOrder.Compare(_next.Entry.Path, path);
            if (order > 0)
            {
                return null;
            }

            var found = _next;
            Advance();
            if (order == 0)
            {
                return found;
            }

            Vanished++;
        }

        return null;
    }

    /// <summary>Passes the rows that are left.</summary>
    public void Finish()
    {
        if (!_started)
        {
            _started = true;
            Advance();
        }

        for (; _next is not null; Advance())
        {
            Vanished++;
        }
    }

    public void Dispose() => _rows.Dispose();

    private void Advance() => _next = _rows.MoveNext() ? _rows.Current : null;
}
