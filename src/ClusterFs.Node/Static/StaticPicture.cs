using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Content.Static;

namespace ClusterFs.Node.Static;

/// <summary>What a node says of its static contents, in the words of the API.</summary>
internal static class StaticPicture
{
    /// <param name="service">Only of this one; null for all.</param>
    public static StaticNodeReport Draw(Settings settings, StaticKeeper keeper, string? service) => new(
        settings.Node.Name,
        null,
        [
            .. keeper.Contents
                .Where(content => service is null || content.Service == service)
                .Select(content => new StaticContentReport(content.Service, Draw(settings, content.State))),
        ]);

    /// <summary>What is known of a node that does not answer: which contents it should serve.</summary>
    public static StaticNodeReport Silent(Settings settings, string node, string? service, string problem) => new(
        node,
        problem,
        [
            .. settings.Services.Values
                .Where(one => (service is null || one.Name == service) && one.Nodes.Contains(node))
                .SelectMany(one => one.Static.Select(content => new StaticContentReport(
                    one.Name,
                    new StaticStatus(
                        node, content.Name, content.Path, CacheOf(content), StaticContentState.Unknown, 0, 0, null, null, null, problem, 0, 0, [])))),
        ]);

    public static string Write(StaticNodeReport report) => JsonSerializer.Serialize(report, ApiJson.Default.StaticNodeReport);

    private static StaticStatus Draw(Settings settings, StaticState state) => new(
        settings.Node.Name,
        state.Name,
        state.Path,
        CacheOf(settings.Services[state.Service].Static.First(content => content.Name == state.Name)),
        state.Condition switch
        {
            StaticCondition.Current => StaticContentState.Current,
            StaticCondition.Behind => StaticContentState.Behind,
            StaticCondition.Failed => StaticContentState.Failed,
            StaticCondition.Empty => StaticContentState.Empty,
            _ => StaticContentState.Unknown,
        },
        state.Current,
        state.Head,
        state.Since,
        state.PublishedAt?.ToUniversalTime(),
        state.SeenAgo is { } ago ? Math.Round(ago.TotalSeconds, 1) : null,
        state.Reason,
        state.LocalBytes,
        state.SharedBytes,
        state.Kept);

    private static string CacheOf(StaticSettings content) => content.Cache == CacheKind.None ? "none" : "local";
}
