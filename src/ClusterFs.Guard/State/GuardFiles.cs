using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;
using ClusterFs.Posix;

namespace ClusterFs.Guard.State;

/// <summary>
/// What the guard keeps on disk, each file whole in its old or its new content whatever happens. Everything written here is durable on
/// return. Used under the exclusive lock on the directory.
/// </summary>
internal sealed class GuardFiles(string directory)
{
    private readonly string _voter = Path.Combine(directory, "voter.json");
    private readonly string _holder = Path.Combine(directory, "holder.json");
    private readonly string _services = Path.Combine(directory, "services");

    public string Directory => directory;

    /// <returns>Null when there is none: a voter that has forgotten everything, or a new one (R2).</returns>
    /// <exception cref="DamagedStateException">The file is there and unreadable; a voter must not take that for a new disk.</exception>
    public DurableVoterState? ReadVoter() => Read(_voter, GuardJson.Default.VoterFile) is { } file
        ? new DurableVoterState(
            file.Identity,
            TimeSpan.FromTicks(file.LongestTtlTicks),
            file.Floors.ToImmutableSortedDictionary(
                pair => pair.Key, pair => new Lease.Binding(pair.Value.Epoch, pair.Value.Node), StringComparer.Ordinal))
        : null;

    public void Write(DurableVoterState state) => Write(
        _voter,
        new VoterFile(1, state.Identity, state.LongestTtl.Ticks, new SortedDictionary<string, FloorEntry>(
            state.Floors.ToDictionary(pair => pair.Key, pair => new FloorEntry(pair.Value.Epoch, pair.Value.Node)), StringComparer.Ordinal)),
        GuardJson.Default.VoterFile);

    /// <exception cref="DamagedStateException">The file is there and unreadable.</exception>
    public DurableHolderState ReadHolder() => Read(_holder, GuardJson.Default.HolderFile) is { } file
        ? new DurableHolderState(file.Consumed.ToImmutableSortedDictionary(
            pair => pair.Key,
            pair => new ConsumedEpoch(pair.Value.Epoch, [.. pair.Value.Voters.ToImmutableSortedSet(StringComparer.Ordinal)]),
            StringComparer.Ordinal))
        : DurableHolderState.Empty;

    public void Write(DurableHolderState state) => Write(
        _holder,
        new HolderFile(1, new SortedDictionary<string, ConsumedEntry>(
            state.Consumed.ToDictionary(pair => pair.Key, pair => new ConsumedEntry(pair.Value.Epoch, [.. pair.Value.Voters])),
            StringComparer.Ordinal)),
        GuardJson.Default.HolderFile);

    /// <summary>What ran, or was about to, under the guard before.</summary>
    /// <exception cref="DamagedStateException">A record is unreadable: what it names may be alive, and nobody could find it.</exception>
    public IReadOnlyList<ServiceRecord> ReadServices()
    {
        if (!System.IO.Directory.Exists(_services))
        {
            return [];
        }

        var records = new List<ServiceRecord>();
        foreach (var path in System.IO.Directory.EnumerateFiles(_services, "*.json"))
        {
            if (Read(path, GuardJson.Default.ServiceRecord) is { } record)
            {
                records.Add(record);
            }
        }

        return records;
    }

    /// <summary>On disk before the service's gate opens, so that a later guard finds what this one started.</summary>
    public void Write(ServiceRecord record)
    {
        Durable.CreateDirectory(_services);
        Write(PathOf(record), record, GuardJson.Default.ServiceRecord);
    }

    /// <summary>Not durable: a record that comes back names processes that no longer are.</summary>
    public void Delete(ServiceRecord record) => File.Delete(PathOf(record));

    private string PathOf(ServiceRecord record) => Path.Combine(_services, $"{record.Service}.{record.Epoch}.json");

    private static void Write<T>(string path, T content, JsonTypeInfo<T> type) =>
        Durable.Replace(path, JsonSerializer.SerializeToUtf8Bytes(content, type));

    private static T? Read<T>(string path, JsonTypeInfo<T> type)
        where T : class
    {
        byte[] content;
        try
        {
            content = File.ReadAllBytes(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(content, type) ?? throw new DamagedStateException(path, "it says null");
        }
        catch (JsonException e)
        {
            throw new DamagedStateException(path, e.Message);
        }
    }
}

/// <summary>A file of the guard's state is there and cannot be read. Taking it for missing would forget what was promised.</summary>
public sealed class DamagedStateException(string path, string problem)
    : IOException($"{path} is damaged: {problem}; move it away to let this voter join anew, once its services are safe elsewhere");

internal sealed record VoterFile(int Version, Guid Identity, long LongestTtlTicks, SortedDictionary<string, FloorEntry> Floors);

internal sealed record FloorEntry(long Epoch, string? Node);

internal sealed record HolderFile(int Version, SortedDictionary<string, ConsumedEntry> Consumed);

internal sealed record ConsumedEntry(long Epoch, string[] Voters);

/// <summary>What one epoch's service consists of, as far as it can be told before it starts.</summary>
/// <param name="BootId">A record of another boot names nothing that is alive.</param>
/// <param name="Process">The service's first process; zero for a service that someone else starts.</param>
/// <param name="Started">When the process started, in the kernel's ticks: tells it from a later one with the same number.</param>
/// <param name="Attachment">In the environment of everything that the attached process starts for the service.</param>
/// <param name="BesideProcess">The process beside the service.</param>
/// <param name="Addresses">What is put on for it, each as an IP address.</param>
internal sealed record ServiceRecord(
    string Service,
    long Epoch,
    string BootId,
    int Process,
    long Started,
    int BesideProcess,
    long BesideStarted,
    string Attachment,
    string? ControlGroup,
    bool Held,
    string? Unit = null,
    string[]? Addresses = null);

[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(VoterFile))]
[JsonSerializable(typeof(HolderFile))]
[JsonSerializable(typeof(ServiceRecord))]
internal sealed partial class GuardJson : JsonSerializerContext;
