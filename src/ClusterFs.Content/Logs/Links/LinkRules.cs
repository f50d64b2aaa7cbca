namespace ClusterFs.Content.Logs.Links;

/// <summary>What is found in the place of a link.</summary>
internal enum LinkKind
{
    /// <summary>Nothing.</summary>
    Absent,

    /// <summary>A directory, most likely with logs.</summary>
    Directory,

    /// <summary>The link to shared storage.</summary>
    Shared,

    /// <summary>The link to the spool.</summary>
    Spool,

    /// <summary>A link that is not ours.</summary>
    Foreign,

    /// <summary>A file, a socket, …</summary>
    Other,
}

/// <summary>What is done about it.</summary>
internal enum LinkStep
{
    /// <summary>Nothing: it is as it should be.</summary>
    Keep,

    /// <summary>The link is made.</summary>
    Make,

    /// <summary>The link is made to lead elsewhere.</summary>
    Turn,

    /// <summary>The directory and a link change places, and what is in it is moved later.</summary>
    Exchange,

    /// <summary>Nothing: it is not ours to change.</summary>
    Refuse,
}

/// <summary>Which way a link has to lead.</summary>
internal static class LinkRules
{
    /// <param name="found">What is there.</param>
    /// <param name="toShared">Whether it is to lead to shared storage, or to the spool.</param>
    public static LinkStep Decide(LinkKind found, bool toShared) => found switch
    {
        LinkKind.Absent => LinkStep.Make,
        LinkKind.Directory => LinkStep.Exchange,
        LinkKind.Shared => toShared ? LinkStep.Keep : LinkStep.Turn,
        LinkKind.Spool => toShared ? LinkStep.Turn : LinkStep.Keep,
        _ => LinkStep.Refuse,
    };
}
