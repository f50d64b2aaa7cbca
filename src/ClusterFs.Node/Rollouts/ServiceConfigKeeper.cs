using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Content.Config;
using ClusterFs.Node.Upkeep;

namespace ClusterFs.Node.Rollouts;

/// <summary>The config files of one service, on a thread of their own. Safe to use from several threads.</summary>
internal sealed class ServiceConfigKeeper : IDisposable
{
    private readonly string _service;
    private readonly ConfigFiles _files;
    private readonly UpkeepThread _upkeep;
    private volatile ILogger? _logger;

    public ServiceConfigKeeper(Settings settings, ServiceSettings service, TimeProvider time, Func<IReadOnlySet<string>> away, Action nudge)
    {
        _service = service.Name;
        _files = new ConfigFiles(settings, service, time, away, nudge, Log);
        _upkeep = new UpkeepThread(
            $"config {service.Name}", settings.ConfigPollEvery, time, _files.Tend, mistake => _logger?.ConfigMistaken(_service, mistake.ToString()));
    }

    public ImmutableArray<ConfigState> States => _files.States;

    public void Begin(ILogger logger)
    {
        _logger = logger;
        _upkeep.Begin();
    }

    public void LookNow() => _upkeep.LookNow();

    public Task<ImmutableArray<ConfigDifference>> CompareAsync(TimeSpan patience) =>
        AskAsync<ImmutableArray<ConfigDifference>>(answer => answer(_files.Compare()), patience);

    public Task<ImmutableArray<ConfigAsked>> ApplyAsync(TimeSpan patience) =>
        AskAsync<ImmutableArray<ConfigAsked>>(answer => _files.Apply(answer, _upkeep.Stopping), patience);

    public void Stop() => _upkeep.Stop();

    public void Dispose() => _upkeep.Dispose();

    private Task<T> AskAsync<T>(Action<Action<T>> work, TimeSpan patience) => _upkeep.AskAsync(
        work, patience, () => $"the config files of {_service} are being looked at, or shared storage does not answer");

    private void Log(ConfigNews news, string name, string words)
    {
        if (news is ConfigNews.Began or ConfigNews.Used)
        {
            _logger?.ConfigGoesOn(_service, name, words);
        }
        else
        {
            _logger?.ConfigTroubled(_service, name, words);
        }
    }
}
