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
    public static unsafe IReadOnlyList<ExtendedAttribute> Read(string path)
    {
        while (true)
        {
            var size = Libc.ListAttributes(path, null, 0);
            if (size == 0 || (size < 0 && Marshal.GetLastPInvokeError() is PosixException.NotSupported or PosixException.NoEntry))
            {
                return [];
            }

            var names = new byte[Math.Max(size, 1)];
            fixed (byte* list = names)
            {
                size = size < 0 ? size : Libc.ListAttributes(path, list, (nuint)names.Length);
            }

            if (size >= 0)
            {
                return Values(path, Encoding.UTF8.GetString(names.AsSpan(0, (int)size)).Split('\0', StringSplitOptions.RemoveEmptyEntries));
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

    private static List<ExtendedAttribute> Values(string path, string[] names)
    {
        Array.Sort(names, string.CompareOrdinal);
        var attributes = new List<ExtendedAttribute>(names.Length);
        foreach (var name in names)
        {
            if (Value(path, name) is { } value)
            {
                attributes.Add(new ExtendedAttribute(name, value));
            }
        }

        return attributes;
    }

    private static unsafe byte[]? Value(string path, string name)
    {
        while (true)
        {
            var size = Libc.GetAttribute(path, name, null, 0);
            if (size >= 0)
            {
                var bytes = new byte[size];
                fixed (byte* value = bytes)
                {
                    size = Libc.GetAttribute(path, name, value, (nuint)bytes.Length);
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
