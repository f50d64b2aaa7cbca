using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>
/// A directory that is held open. What is named by way of it is in this very directory, whatever somebody puts in its place, or in that of one above it,
/// meanwhile: so a stranger who owns it cannot have root work elsewhere. Needs /proc. Not safe for several threads.
/// </summary>
public sealed class OpenDirectory : IDisposable
{
    private readonly string _path;

    private OpenDirectory(SafeFileHandle handle, string path) => (Handle, _path) = (handle, path);

    public SafeFileHandle Handle { get; }

    public FileStatus Status => FileStatus.Read(Handle);

    /// <summary>What is in it now.</summary>
    public DirectoryNames Names => DirectoryNames.Of(Itself);

    private string Itself => $"/proc/self/fd/{Handle.DangerousGetHandle()}";

    /// <summary>A path that leads to what is in this directory under a name; good until this is disposed.</summary>
    public string this[string name] => $"{Itself}/{name}";

    /// <summary>Opens a directory; a link is not followed.</summary>
    /// <returns>Null when there is nothing of this name, or no directory.</returns>
    /// <exception cref="PosixException">Any other failure.</exception>
    public static OpenDirectory? TryOpen(string path) => TryOpen(path, path);

    /// <summary>The same of what is in this one.</summary>
    public OpenDirectory? TryOpenBelow(string name) => TryOpen(this[name], Path.Combine(_path, name));

    /// <summary>Makes its entries durable.</summary>
    public void Sync() => Durable.SyncDirectory(Itself);

    /// <summary>A message with the paths that people know.</summary>
    public string Readable(string message) => message.Replace(Itself, _path, StringComparison.Ordinal);

    public void Dispose() => Handle.Dispose();

    private static OpenDirectory? TryOpen(string path, string known)
    {
        var descriptor = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenNoFollow | Libc.OpenCloseOnExec, 0);
        if (descriptor >= 0)
        {
            return new OpenDirectory(new SafeFileHandle(descriptor, ownsHandle: true), known);
        }

        var error = Marshal.GetLastPInvokeError();
        return error is PosixException.NoEntry or PosixException.NotDirectory or PosixException.Loop ? null : throw new PosixException("open", known, error);
    }
}
