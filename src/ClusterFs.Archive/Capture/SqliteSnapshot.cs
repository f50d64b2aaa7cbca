using System.Diagnostics;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;
using Microsoft.Win32.SafeHandles;
using SQLitePCL;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// An SQLite database as of one moment, read where it lies while others write it: the file that a checkpoint at that moment would leave. A read
/// transaction is held meanwhile. With a rollback journal no writer changes the file under it; in WAL mode none moves to the file what this
/// transaction must not see, and what the log has is read from the log. The source is opened for reading only, so neither content nor log is
/// touched. A writer in WAL mode is never blocked; one with a rollback journal waits until this is disposed.
/// </summary>
internal sealed class SqliteSnapshot : IPageSource, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    private readonly SqliteConnection _transaction;
    private readonly SafeFileHandle _file;
    private readonly SafeFileHandle? _logFile;
    private readonly SqliteLog? _log;
    private readonly uint[] _logPages;
    private FileSource _source;
    private volatile bool _isBegunAnew;

    /// <summary>Named here, and not only found by reflection, so that a native build has it.</summary>
    static SqliteSnapshot() => Batteries_V2.Init();

    private SqliteSnapshot(SqliteConnection transaction, string database)
    {
        _transaction = transaction;
        _file = UnlockedFile.OpenRead(database);
        try
        {
            if (File.Exists(database + SqliteFiles.Log))
            {
                _logFile = UnlockedFile.OpenRead(database + SqliteFiles.Log);
                _log = SqliteLog.Read(_logFile);
            }

            Size = _log is null ? RandomAccess.GetLength(_file) : (long)_log.Pages * _log.PageSize;
            _logPages = _log is null ? [] : [.. _log.Places.Keys];
            _source = new FileSource(_file, Size);
        }
        catch
        {
            _file.Dispose();
            _logFile?.Dispose();
            throw;
        }
    }

    public long Size { get; }

    /// <exception cref="SqliteException">SQLite cannot read the database.</exception>
    public static SqliteSnapshot Take(string database, CancellationToken cancellation)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = database,
            Mode = SqliteOpenMode.ReadOnly,

            // A pooled connection would keep locks and files open after the copy.
            Pooling = false,
            DefaultTimeout = (int)Patience.TotalSeconds,
        }.ToString());
        try
        {
            connection.Open();
            BeginReading(connection, cancellation);
            return new SqliteSnapshot(connection, database);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Has the file held as it is now, and reads it from there. With a rollback journal its writer goes on from here.</summary>
    /// <param name="hold">Holds an open file; null when it cannot.</param>
    /// <returns>What is held, which has to outlast this; null when it cannot be.</returns>
    public HeldFile? Hold(Func<SafeFileHandle, HeldFile?> hold)
    {
        if (hold(_file) is not { } held)
        {
            return null;
        }

        _source = new FileSource(held.File, Size);
        if (_log is null)
        {
            _transaction.Dispose();
            return held;
        }

        return held.With(LogRanges());
    }

    /// <summary>What of the content is read from the log.</summary>
    public IReadOnlyList<ByteRange> LogRanges() => _log is null
        ? []
        : UnchangedRanges.Both([.. _logPages.Select(page => new ByteRange((page - 1L) * _log.PageSize, (long)page * _log.PageSize))], []);

    /// <summary>Of the file without its log, as it is now.</summary>
    public FileStatus Status => FileStatus.Read(_file);

    /// <summary>Whether the database has a log: what is committed goes there first.</summary>
    public bool IsLogged => _logFile is not null;

    public void Read(long offset, Span<byte> target)
    {
        _source.Read(offset, target);
        if (_log is null || _isBegunAnew)
        {
            return;
        }

        // A log can be begun anew under this transaction only if the file had all of it when the transaction began: SQLite then has it ignore the log,
        // and lets nobody move anything from a log to the file until it ends. So the file is right, and the places in the log are others' by now.
        if (!TryReadLog(offset, target) || !_log.IsIn(_logFile!))
        {
            _isBegunAnew = true;
            _source.Read(offset, target);
        }
    }

    public void Expect(long offset, long length) => _source.Expect(offset, length);

    public bool IsHole(long offset, long length) => false;

    public void Dispose()
    {
        // In this order: closing any descriptor of the file drops the locks of the whole process on it.
        _transaction.Dispose();
        _file.Dispose();
        _logFile?.Dispose();
    }

    /// <summary>Puts what the log has over what the file has.</summary>
    /// <returns>False when the log ends before it should.</returns>
    private bool TryReadLog(long offset, Span<byte> target)
    {
        var first = Array.BinarySearch(_logPages, (uint)(offset / _log!.PageSize) + 1);
        for (var i = first < 0 ? ~first : first; i < _logPages.Length; i++)
        {
            var start = (long)(_logPages[i] - 1) * _log.PageSize;
            if (start >= offset + target.Length)
            {
                break;
            }

            // Pages of the database may be larger than what is asked for, or lie across its bounds.
            var from = Math.Max(start, offset);
            var to = Math.Min(start + _log.PageSize, offset + target.Length);
            if (!SqliteLog.TryRead(_logFile!, _log.Places[_logPages[i]] + (from - start), target[(int)(from - offset)..(int)(to - offset)]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Takes a read transaction, after which the copy cannot be refused. A busy writer with a rollback journal leaves gaps of a millisecond
    /// between its commits: the usual waits, of a hundred, would hardly ever meet one.
    /// </summary>
    private static void BeginReading(SqliteConnection connection, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        SqliteException.ThrowExceptionForRC(raw.sqlite3_exec(connection.Handle, "BEGIN"), connection.Handle);
        int result;
        while ((result = raw.sqlite3_exec(connection.Handle, "SELECT count(*) FROM sqlite_schema")) == raw.SQLITE_BUSY
            && Stopwatch.GetElapsedTime(started) < Patience)
        {
            cancellation.WaitHandle.WaitOne(Pause);
            cancellation.ThrowIfCancellationRequested();
        }

        SqliteException.ThrowExceptionForRC(result, connection.Handle);
    }
}
