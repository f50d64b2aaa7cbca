using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <param name="Name">With its namespace: `user.`, `security.`, `system.posix_acl_`, …</param>
public sealed record ExtendedAttribute(string Name, byte[] Value);

/// <summary>Extended attributes, access control lists among them. Symbolic links are not followed.</summary>
public static class ExtendedAttributes
{
    /// <summary>Reads all attributes this process may see, sorted by name; none where the file system has no such thing.</summary>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static IReadOnlyList<ExtendedAttribute> Read(string path) => Read(path, follow: false);

    /// <summary>The same of an open file, whatever its path leads to by now. Needs /proc.</summary>
    /// <exception cref="PosixException">The kernel refuses.</exception>
    public static IReadOnlyList<ExtendedAttribute> Read(SafeFileHandle file) => Read($"/proc/self/fd/{file.DangerousGetHandle()}", follow: true);

    private static unsafe List<ExtendedAttribute> Read(string path, bool follow)
    {
        while (true)
        {
            var size = List(path, null, 0, follow);
            if (size == 0 || (size < 0 && Marshal.GetLastPInvokeError() is PosixException.NotSupported or PosixException.NoEntry))
            {
                return [];
            }

            var names = new byte[Math.Max(size, 1)];
            fixed (byte* list = names)
            {
                size = size < 0 ? size : List(path, list, (nuint)names.Length, follow);
            }

            if (size >= 0)
            {
                return Values(path, Encoding.UTF8.GetString(names.AsSpan(0, (int)size)).Split('\0', StringSplitOptions.RemoveEmptyEntries), follow);
            }

            if (Marshal.GetLastPInvokeError() != PosixException.Range)
            {
                throw PosixException.Last("listxattr", path);
            }
        }
    }

    /// <summary>Gives a file exactly these attributes.</summary>
    /// <exception cref="PosixException">The file system or the rights of this process do not allow it.</exception>
    public static unsafe void Write(string path, IReadOnlyList<ExtendedAttribute> attributes)
    {
        foreach (var old in Read(path).Where(old => attributes.All(attribute => attribute.Name != old.Name)))
        {
            if (Libc.RemoveAttribute(path, old.Name) != 0 && Marshal.GetLastPInvokeError() != PosixException.NoData)
            {
                throw PosixException.Last($"removexattr {old.Name}", path);
            }
        }

        foreach (var attribute in attributes)
        {
            fixed (byte* value = attribute.Value)
            {
                if (Libc.SetAttribute(path, attribute.Name, value, (nuint)attribute.Value.Length, 0) != 0)
                {
                    throw PosixException.Last($"setxattr {attribute.Name}", path);
                }
            }
        }
    }

    /// <summary>Gives an open file one attribute, whatever its path leads to by now.</summary>
    /// <param name="path">As the message calls it.</param>
    /// <exception cref="PosixException">The file system or the rights of this process do not allow it.</exception>
    public static unsafe void Set(SafeFileHandle file, string path, ExtendedAttribute attribute)
    {
        fixed (byte* value = attribute.Value)
        {
            if (Libc.SetAttribute(file, attribute.Name, value, (nuint)attribute.Value.Length, 0) != 0)
            {
                throw PosixException.Last($"setxattr {attribute.Name}", path);
            }
        }
    }

    /// <summary>Takes one attribute from an open file, where it has it.</summary>
    /// <param name="path">As the message calls it.</param>
    /// <exception cref="PosixException">The file system or the rights of this process do not allow it.</exception>
    public static void Remove(SafeFileHandle file, string path, string name)
    {
        if (Libc.RemoveAttribute(file, name) != 0 && Marshal.GetLastPInvokeError() is not (PosixException.NoData or PosixException.NotSupported))
        {
            throw PosixException.Last($"removexattr {name}", path);
        }
    }

    private static unsafe nint List(string path, byte* list, nuint size, bool follow) =>
        follow ? Libc.ListAttributesFollowing(path, list, size) : Libc.ListAttributes(path, list, size);

    private static unsafe nint Get(string path, string name, byte* value, nuint size, bool follow) =>
        follow ? Libc.GetAttributeFollowing(path, name, value, size) : Libc.GetAttribute(path, name, value, size);

    private static List<ExtendedAttribute> Values(string path, string[] names, bool follow)
    {
        Array.Sort(names, string.CompareOrdinal);
        var attributes = new List<ExtendedAttribute>(names.Length);
        foreach (var name in names)
        {
            if (Value(path, name, follow) is { } value)
            {
                attributes.Add(new ExtendedAttribute(name, value));
            }
        }

        return attributes;
    }

    private static unsafe byte[]? Value(string path, string name, bool follow)
    {
        while (true)
        {
            var size = Get(path, name, null, 0, follow);
            if (size >= 0)
            {
                var bytes = new byte[size];
                fixed (byte* value = bytes)
                {
                    size = Get(path, name, value, (nuint)bytes.Length, follow);
                }

                if (size == bytes.Length)
                {
                    return bytes;
                }
            }

            var error = Marshal.GetLastPInvokeError();
            if (size < 0 && error is PosixException.NoData or PosixException.NoEntry)
            {
                return null;
            }

            if (size < 0 && error != PosixException.Range)
            {
                throw new PosixException($"getxattr {name}", path, error);
            }
        }
    }
}
