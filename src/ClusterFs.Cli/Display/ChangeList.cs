using System.Collections.Immutable;

namespace ClusterFs.Cli.Display;

/// <summary>How two contents differ, a line for each path.</summary>
internal static class ChangeList
{
    public static void Write(Terminal terminal, ImmutableArray<ShownChange> changes)
    {
        if (changes.IsEmpty)
        {
            return;
        }

        var listing = new Listing("CHANGE", "SIZE", "PATH");
        foreach (var change in changes)
        {
            listing.Add(change.Kind, Humane.Bytes(change.Bytes), change.Path);
        }

        terminal.Write(listing);
    }
}
