using System.Collections.Immutable;

namespace ClusterFs.Configuration.Hocon;

/// <summary>Reads a file of HOCON and all that it includes. One instance reads one configuration.</summary>
internal sealed class HoconFiles
{
    private const int MaxDepth = 16;
    private const int MaxBytes = 1 << 20;

    private readonly Stack<string> _open = new();
    private readonly List<ConfigurationError> _errors = [];
    private readonly List<string> _warnings = [];
    private readonly OrderedDictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly ConfigurationCache? _cache;
    private readonly TimeSpan _includeTimeout;
    private readonly bool _preferCopies;

    /// <param name="cache">Where to look for a copy of an included file that cannot be read; null to look nowhere.</param>
    /// <param name="includeTimeout">How long an included file is waited for.</param>
    /// <param name="preferCopies">An included file of which there is a copy is not read.</param>
    public HoconFiles(ConfigurationCache? cache, TimeSpan includeTimeout, bool preferCopies = false)
    {
        _preferCopies = preferCopies;
        _cache = cache;
        _includeTimeout = includeTimeout;
    }

    public IReadOnlyList<ConfigurationError> Errors => _errors;

    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Whether an included file could not be read, from anywhere.</summary>
    public bool IncludeUnreadable { get; private set; }

    /// <summary>By absolute path, what every file said; the first file first.</summary>
    public IReadOnlyDictionary<string, string> Texts => _texts;

    /// <summary>The order in which files were read.</summary>
    public ImmutableArray<string> Names { get; private set; } = [];

    /// <summary>Reads the first file. What cannot be read or understood is among <see cref="Errors"/> afterwards.</summary>
    public HoconObject Read(string path)
    {
        try
        {
            return Parse(path, ReadText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            _errors.Add(new ConfigurationError(
                path, 0, "", $"cannot be read: {Reason(e)}", "name the node's configuration file with --config"));
            return new HoconObject(new Place(path, 0));
        }
    }

    private HoconObject Parse(string path, string text)
    {
        var full = Path.GetFullPath(path);
        _texts[full] = text;
        Names = Names.Add(path);
        _open.Push(full);
        try
        {
            return HoconParser.Parse(text, path, (name, at) => Include(path, name, at));
        }
        catch (HoconSyntaxException e)
        {
            _errors.Add(e.Error);
            return new HoconObject(new Place(path, 0));
        }
        finally
        {
            _open.Pop();
        }
    }

    private HoconObject? Include(string from, string name, Place at)
    {
        if (name.Length == 0 || name.Contains('\0', StringComparison.Ordinal))
        {
            return Refuse(at, "this include names no file", "expected include \"FILE\"");
        }

        var path = Path.Combine(Path.GetDirectoryName(from) ?? "", name);
        var full = Path.GetFullPath(path);
        if (_open.Contains(full))
        {
            return Refuse(at, $"{path} includes itself", "expected no circle of includes");
        }

        if (_open.Count >= MaxDepth)
        {
            return Refuse(at, $"more than {MaxDepth} files include one another", "expected fewer");
        }

        if (_preferCopies && _cache?.Find(full) is { } kept)
        {
            return Parse(path, kept);
        }

        try
        {
            return Parse(path, ReadIncluded(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or TimeoutException)
        {
            if (_cache?.Find(full) is { } copy)
            {
                _warnings.Add($"{at}: {path} cannot be read: {Reason(e)}; its copy in {_cache.Directory} is used");
                return Parse(path, copy);
            }

            IncludeUnreadable = true;
            return Refuse(at, $"the included file {path} cannot be read: {Reason(e)}", "is the shared file system mounted?");
        }
    }

    private HoconObject? Refuse(Place at, string problem, string expected)
    {
        _errors.Add(new ConfigurationError(at.File, at.Line, "", problem, expected));
        return null;
    }

    /// <summary>Reads in another thread: on a mount whose server is gone a read may never return.</summary>
    private string ReadIncluded(string path)
    {
        var reading = Task.Run(() => ReadText(path));
        try
        {
            return reading.Wait(_includeTimeout)
                ? reading.Result
                : throw new TimeoutException($"no answer within {_includeTimeout.TotalSeconds:0.###} s");
        }
        catch (AggregateException e)
        {
            throw e.InnerException!;
        }
    }

    private static string ReadText(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (stream.CanSeek && stream.Length > MaxBytes)
        {
            throw new IOException($"it is larger than {MaxBytes >> 20} MiB");
        }

        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string Reason(Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => "no such file",
        UnauthorizedAccessException => "not permitted, or a directory",
        _ => e.Message,
    };
}
