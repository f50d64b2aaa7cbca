using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Placing;

/// <summary>What a rendering takes over from the file that it replaces.</summary>
/// <param name="Extended">Access control list, labels, and whatever a user has attached, by name.</param>
internal sealed record CarriedAttributes(uint Mode, uint User, uint Group, IReadOnlyList<ExtendedAttribute> Extended)
{
    private const string AccessList = "system.posix_acl_access";

    /// <exception cref="PosixException">They cannot be read.</exception>
    /// <returns>Null when no file is there.</returns>
    public static CarriedAttributes? Of(string file) => FileStatus.TryRead(file) is { } status
        ? new CarriedAttributes(status.Mode, status.User, status.Group, [.. ExtendedAttributes.Read(file).Where(IsCarried)])
        : null;

    /// <summary>Of an open file, whatever its path leads to by now.</summary>
    /// <exception cref="PosixException">They cannot be read.</exception>
    public static CarriedAttributes Of(SafeFileHandle file)
    {
        var status = FileStatus.Read(file);
        return new CarriedAttributes(status.Mode, status.User, status.Group, [.. ExtendedAttributes.Read(file).Where(IsCarried)]);
    }

    public bool IsSameAs(CarriedAttributes other) =>
        (Mode, User, Group) == (other.Mode, other.User, other.Group)
        && Extended.Count == other.Extended.Count
        && Extended.Zip(other.Extended).All(pair => pair.First.Name == pair.Second.Name && pair.First.Value.AsSpan().SequenceEqual(pair.Second.Value));

    /// <summary>Gives another file the extended attributes.</summary>
    /// <param name="path">As messages call it.</param>
    /// <param name="withAccess">The access control list too; otherwise the mode alone says who may read it.</param>
    /// <exception cref="PlacingException">It cannot have them.</exception>
    public void Give(SafeFileHandle file, string path, bool withAccess)
    {
        try
        {
            if (!withAccess || Extended.All(attribute => attribute.Name != AccessList))
            {
                // It may have got one from its directory.
                ExtendedAttributes.Remove(file, path, AccessList);
            }

            foreach (var attribute in Extended.Where(attribute => withAccess || attribute.Name != AccessList))
            {
                ExtendedAttributes.Set(file, path, attribute);
            }
        }
        catch (PosixException problem)
        {
            throw new PlacingException(
                $"{path}: the new file cannot have the attributes of the one that it would replace, which stays: {problem.Message}", problem);
        }
    }

    /// <summary>Those that are signatures of a content are none of another.</summary>
    private static bool IsCarried(ExtendedAttribute attribute) => attribute.Name == AccessList
        || attribute.Name.StartsWith("user.", StringComparison.Ordinal)
        || (attribute.Name.StartsWith("security.", StringComparison.Ordinal) && attribute.Name is not ("security.ima" or "security.evm"));
}
