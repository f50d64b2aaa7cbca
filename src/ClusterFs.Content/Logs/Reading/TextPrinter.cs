using System.Text;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>Where lines leave: bytes, collected until there are many of them or <see cref="Flush"/> is called. Not safe for several threads.</summary>
internal abstract class LinePrinter(Stream output) : ILineSink
{
    private const int Room = 256 * 1024;
    private readonly byte[] _buffer = new byte[Room];
    private int _used;

    public abstract void Write(LogStream stream, in LogLine line);

    public void Flush()
    {
        output.Write(_buffer.AsSpan(0, _used));
        output.Flush();
        _used = 0;
    }

    protected void Put(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _buffer.Length - _used)
        {
            output.Write(_buffer.AsSpan(0, _used));
            _used = 0;
            if (bytes.Length > _buffer.Length)
            {
                output.Write(bytes);
                return;
            }
        }

        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
    }
}

/// <summary>Lines as they are, after the names of node and log where they are wanted.</summary>
/// <param name="forTerminal">What would command a terminal is made visible: logs hold what strangers send.</param>
internal sealed class TextPrinter(Stream output, bool withNames, bool forTerminal) : LinePrinter(output)
{
    private const byte FirstOfLate = 0xc2;

    private readonly Dictionary<LogStream, byte[]> _names = [];
    private LogStream? _stream;
    private byte[] _name = [];
    private bool _isInLine;

    public override void Write(LogStream stream, in LogLine line)
    {
        if (!ReferenceEquals(stream, _stream))
        {
            _stream = stream;
            _name = NameOf(stream);
        }

        if (line.IsBeginning)
        {
            EndLine();
            if (forTerminal)
            {
                PutVisible(_name);
            }
            else
            {
                Put(_name);
            }
        }

        if (forTerminal)
        {
            PutVisible(line.Bytes);
        }
        else
        {
            Put(line.Bytes);
        }

        _isInLine = line.Bytes[^1] != '\n';
    }

    /// <summary>What the last line lacks.</summary>
    public void EndLine()
    {
        if (_isInLine)
        {
            Put("\n"u8);
            _isInLine = false;
        }
    }

    private byte[] NameOf(LogStream stream)
    {
        if (!withNames)
        {
            return [];
        }

        if (!_names.TryGetValue(stream, out var name))
        {
            _names[stream] = name = Encoding.UTF8.GetBytes($"{stream.Node} {stream.Name}: ");
        }

        return name;
    }

    /// <summary>Control characters, also those from 0x80 on, which UTF-8 writes in two bytes.</summary>
    private static bool IsCommand(ReadOnlySpan<byte> text) => text[0] switch
    {
        (byte)'\n' or (byte)'\t' => false,
        < 0x20 or 0x7f => true,
        FirstOfLate => text.Length > 1 && text[1] < 0xa0,
        _ => false,
    };

    private void PutVisible(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var plain = 0;
            while (plain < bytes.Length && !IsCommand(bytes[plain..]))
            {
                plain++;
            }

            Put(bytes[..plain]);
            bytes = bytes[plain..];
            if (!bytes.IsEmpty)
            {
                // A line of DOS ends as any other.
                var length = bytes[0] == FirstOfLate ? 2 : 1;
                if (!bytes.StartsWith("\r\n"u8))
                {
                    Put(Encoding.ASCII.GetBytes($"\\x{bytes[length - 1]:x2}"));
                }

                bytes = bytes[length..];
            }
        }
    }
}
