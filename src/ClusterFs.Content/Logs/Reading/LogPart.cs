using ClusterFs.Content.Logs.Stamps;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>What is to be read of one file.</summary>
/// <param name="Path">As it was called when it was opened; for messages.</param>
/// <param name="From">The first byte, which begins a line; of a compressed file, 0.</param>
/// <param name="To">The byte after the last.</param>
internal sealed record LogPart(string Path, SafeFileHandle File, long From, long To, bool IsCompressed, StampReader Stamps);
