using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>One object of JSON for each line: node, log, at (RFC 3339, of the line or the last one before with a stamp; null for none), text.</summary>
internal sealed class JsonPrinter(Stream output) : LinePrinter(output)
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public override void Write(LogStream stream, in LogLine line)
    {
        _bytes.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_bytes))
        {
            json.WriteStartObject();
            json.WriteString("node"u8, stream.Node);
            json.WriteString("log"u8, stream.Name);
            if (line.Ticks == LogStream.NoStamp)
            {
                json.WriteNull("at"u8);
            }
            else
            {
                json.WriteString("at"u8, new DateTime(line.Ticks, DateTimeKind.Utc).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture));
            }

            // What is no UTF-8 is shown as well as it can be.
            json.WriteString("text"u8, Encoding.UTF8.GetString(line.Bytes.TrimEnd("\r\n"u8)));
            json.WriteEndObject();
        }

        Put(_bytes.WrittenSpan);
        Put("\n"u8);
    }
}
