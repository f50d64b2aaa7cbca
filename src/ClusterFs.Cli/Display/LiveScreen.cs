using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace ClusterFs.Cli.Display;

/// <summary>
/// A terminal taken over whole, and given back as it was however this ends but by SIGKILL: it is drawn on a screen of its own, and only what has
/// changed is drawn. For one thread.
/// </summary>
internal sealed class LiveScreen : IDisposable
{
    private const string Enter = "\e[?1049h\e[?25l\e[?7l";
    private const string Leave = "\e[?7h\e[?25h\e[?1049l";
    private const string BeginFrame = "\e[?2026h";
    private const string EndFrame = "\e[?2026l";

    private readonly TextWriter _terminal;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _resized;
    private readonly PosixSignalRegistration[] _signals;
    private IReadOnlyList<FrameLine> _shown = [];
    private int _width;
    private bool _isTaken;

    /// <param name="resized">Released when the screen has another size, or has to be drawn anew.</param>
    public LiveScreen(TextWriter terminal, SemaphoreSlim resized)
    {
        _terminal = terminal;
        _resized = resized;
        _signals =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Redraw(take: false)),
            PosixSignalRegistration.Create(PosixSignal.SIGTSTP, _ => GiveBack()),
            PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => Redraw(take: true)),
        ];
        Take();
    }

    public static int Width => Math.Max(1, Console.WindowWidth);

    public static int Height => Math.Max(1, Console.WindowHeight);

    public void Draw(IReadOnlyList<FrameLine> lines)
    {
        lock (_lock)
        {
            if (!_isTaken)
            {
                return;
            }

            var width = Width;
            var isNew = _shown.Count != lines.Count || _width != width;
            var text = new StringBuilder(BeginFrame);
            for (var row = 0; row < lines.Count; row++)
            {
                if (isNew || _shown[row] != lines[row])
                {
                    text.Append(CultureInfo.InvariantCulture, $"\e[{row + 1};1H{Style(lines[row])}\e[K");
                }
            }

            _terminal.Write(text.Append(EndFrame));
            _terminal.Flush();
            _shown = lines;
            _width = width;
        }
    }

    public void Dispose()
    {
        foreach (var signal in _signals)
        {
            signal.Dispose();
        }

        GiveBack();
    }

    private void Take()
    {
        lock (_lock)
        {
            _isTaken = true;
            _shown = [];
            _terminal.Write(Enter);
            _terminal.Flush();
        }
    }

    private void GiveBack()
    {
        lock (_lock)
        {
            if (_isTaken)
            {
                _isTaken = false;
                _terminal.Write(Leave);
                _terminal.Flush();
            }
        }
    }

    private void Redraw(bool take)
    {
        if (take)
        {
            Take();
        }

        lock (_lock)
        {
            // Whatever the terminal has made of the old lines.
            _shown = [];
        }

        _resized.Release();
    }

    private static string Style(FrameLine line) => line.Emphasis switch
    {
        Emphasis.Strong => $"\e[1m{line.Text}\e[0m",
        Emphasis.Faint => $"\e[2m{line.Text}\e[0m",
        Emphasis.Alarm => $"\e[1;31m{line.Text}\e[0m",
        _ => line.Text,
    };
}
