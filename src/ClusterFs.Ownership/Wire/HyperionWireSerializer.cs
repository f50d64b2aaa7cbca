using Akka.Actor;
using Akka.Util;
using Hyperion;

namespace ClusterFs.Ownership.Wire;

/// <summary>Messages between nodes: Hyperion, with the types of <see cref="WireTypes"/> and no others.</summary>
public sealed class HyperionWireSerializer : Akka.Serialization.Serializer
{
    private readonly Serializer _inner;

    public HyperionWireSerializer(ExtendedActorSystem system)
        : base(system) => _inner = new Serializer(new SerializerOptions(
            versionTolerance: true,
            preserveObjectReferences: true,
            surrogates: [Surrogate.Create<ISurrogated, ISurrogate>(from => from.ToSurrogate(system), to => to.FromSurrogate(system))],
            serializerFactories: null,
            knownTypes: null,
            ignoreISerializable: true,
            packageNameOverrides: null,
            disallowUnsafeTypes: true,
            typeFilter: WireTypes.AllowList));

    /// <summary>Part of the wire format.</summary>
    public override int Identifier => 4242;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj)
    {
        using var stream = new MemoryStream();
        _inner.Serialize(obj, stream);
        return stream.ToArray();
    }

    public override object FromBinary(byte[] bytes, Type type)
    {
        using var stream = new MemoryStream(bytes, writable: false);
        return _inner.Deserialize<object>(stream);
    }
}
