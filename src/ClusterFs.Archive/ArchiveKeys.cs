using System.Security.Cryptography;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive;

/// <summary>What was stored is encrypted with a key that is not at hand, or the file of keys is of no use.</summary>
public sealed class ArchiveKeyException(string message) : ArchiveException(message);

/// <summary>
/// The keys that contents are encrypted with, 256 bits each: what is written is under the first, what is read may be under any. Safe for use by
/// several threads.
/// </summary>
public sealed class ArchiveKeys
{
    private const int HexDigits = 2 * PackCipher.KeyLength;
    private const uint Others = 0b000_111_111;

    private readonly List<ArchiveKey> _keys;

    private ArchiveKeys(string file, List<ArchiveKey> keys) => (File, _keys) = (file, keys);

    /// <summary>Where they were read from; for messages.</summary>
    public string File { get; }

    internal ArchiveKey First => _keys[0];

    /// <summary>Reads a file with a key in a line: 64 hexadecimal digits. Empty lines, and those that begin with #, count for nothing.</summary>
    /// <exception cref="ArchiveKeyException">It cannot be read, holds something else, no key at all, or others than its owner have access to it.</exception>
    public static ArchiveKeys Read(string file)
    {
        string[] lines;
        try
        {
            if (FileStatus.TryRead(file) is { } status && (status.Mode & Others) != 0)
            {
                throw new ArchiveKeyException($"{file} holds keys, and others than its owner have access to it. Take that away: chmod 600 {file}");
            }

            lines = System.IO.File.ReadAllLines(file);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
        {
            throw new ArchiveKeyException($"The keys in {file} cannot be read: {error.Message}");
        }

        var keys = new List<ArchiveKey>();
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (line.Length != HexDigits || !line.All(char.IsAsciiHexDigit))
            {
                throw new ArchiveKeyException(
                    $"{file}, line {i + 1} is no key: expected {HexDigits} hexadecimal digits, such as 'openssl rand -hex {PackCipher.KeyLength}' prints.");
            }

            keys.Add(new ArchiveKey(Convert.FromHexString(line)));
        }

        return keys.Count > 0 ? new ArchiveKeys(file, keys) : throw new ArchiveKeyException($"{file} holds no key. 'openssl rand -hex {PackCipher.KeyLength}' makes one.");
    }

    /// <returns>Null when it is not among them.</returns>
    internal ArchiveKey? Find(ulong id) => _keys.Find(key => key.Id == id);
}

/// <summary>A key, and the number that tells it from others without giving it away.</summary>
internal sealed class ArchiveKey(byte[] secret)
{
    /// <summary>Written into every pack that is under the key.</summary>
    public ulong Id { get; } = BitConverter.ToUInt64(HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, sizeof(ulong), info: "clusterfs key id"u8.ToArray()));

    /// <summary>The key of one pack: no two packs share one, so that the numbers of their blocks can be the nonces.</summary>
    public byte[] Derive(PackId pack)
    {
        var salt = new byte[PackId.Length];
        pack.Write(salt);
        return HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, PackCipher.KeyLength, salt, "clusterfs pack"u8.ToArray());
    }
}
