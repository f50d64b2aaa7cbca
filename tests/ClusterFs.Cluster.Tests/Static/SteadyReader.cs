using System.Collections.Concurrent;
using System.Diagnostics;

namespace ClusterFs.Cluster.Tests.Static;

/// <summary>Fetches pages all the time, one after the other, and notes every answer that is not one page of one generation, whole.</summary>
internal sealed class SteadyReader : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _reading;
    private long _fetched;

    /// <param name="pages">Paths of pages that bear the name of their generation at the beginning and at the end: see <see cref="Pages"/>.</param>
    /// <param name="pause">After each; none for as fast as it goes.</param>
    public SteadyReader(Uri server, IReadOnlyList<string> pages, TimeSpan pause = default) => _reading = Task.Run(() => Read(server, pages, pause));

    /// <summary>What went wrong, a line each.</summary>
    public ConcurrentQueue<string> Wrong { get; } = [];

    /// <summary>How often pages of a generation were seen.</summary>
    public ConcurrentDictionary<string, int> Seen { get; } = new(StringComparer.Ordinal);

    public long Fetched => Interlocked.Read(ref _fetched);

    /// <summary>From the start of a request to the end of its answer, at worst.</summary>
    public TimeSpan Longest { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _reading;
        _stopping.Dispose();
    }

    private async Task Read(Uri server, IReadOnlyList<string> pages, TimeSpan pause)
    {
        using var http = new HttpClient { BaseAddress = server };
        for (var next = 0; !_stopping.IsCancellationRequested; next = (next + 1) % pages.Count)
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                using var answer = await http.GetAsync(pages[next]);
                var text = await answer.Content.ReadAsStringAsync();
                var (first, last) = Pages.NamesIn(text);
                if (!answer.IsSuccessStatusCode || first != last)
                {
                    Wrong.Enqueue($"{pages[next]}: {(int)answer.StatusCode}, from '{first}' to '{last}'");
                }
                else
                {
                    Seen.AddOrUpdate(first, 1, (_, count) => count + 1);
                }
            }
            catch (Exception problem) when (problem is HttpRequestException or IOException)
            {
                Wrong.Enqueue($"{pages[next]}: {problem.Message}");
            }

            Interlocked.Increment(ref _fetched);
            var took = Stopwatch.GetElapsedTime(started);
            Longest = took > Longest ? took : Longest;
            if (pause > TimeSpan.Zero)
            {
                await Task.Delay(pause, CancellationToken.None);
            }
        }
    }
}
