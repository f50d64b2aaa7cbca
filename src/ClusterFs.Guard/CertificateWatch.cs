using ClusterFs.Configuration;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard;

/// <summary>
/// Looks at this node's certificate on disk again and again, beside all that has deadlines: a new one is used without a restart, which would
/// cost every lease of the node.
/// </summary>
internal sealed class CertificateWatch(MutualTls tls, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private string? _said;

    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
        {
            await Task.Run(Look, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>While two files are being replaced they do not belong together: that is said once and looked at again.</summary>
    private void Look()
    {
        try
        {
            if (tls.Reload())
            {
                log.CertificateReplaced(tls.Expires);
            }

            _said = null;
        }
        catch (ConfigurationException problem)
        {
            if (problem.Message != _said)
            {
                _said = problem.Message;
                log.CertificateNotReplaced(problem.Message);
            }
        }
    }
}
