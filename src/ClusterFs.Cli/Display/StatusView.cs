using ClusterFs.Api;

namespace ClusterFs.Cli.Display;

/// <summary>The status in words.</summary>
internal sealed record StatusView(string Heading, Listing Services, IReadOnlyList<string> Notes)
{
    private static readonly TimeSpan CertificateWarning = TimeSpan.FromDays(30);

    /// <param name="report">What the daemon said.</param>
    /// <param name="now">By this machine's wall clock, for ages.</param>
    public static StatusView Of(StatusReport report, DateTimeOffset now)
    {
        var services = new Listing("SERVICE", "STATE", "OWNER", "EPOCH", "LEASE", "LAST DUMP", "AT RISK", "DIVERGENT");
        foreach (var service in report.Services)
        {
            services.Add(
                service.Name,
                StateOf(service),
                service.Owner ?? "",
                service.Epoch == 0 ? "" : Humane.Number(service.Epoch),
                service.LeaseRemainingMs is { } lease ? Humane.Seconds(lease / 1000.0) : "",
                service.LastDump is { } dump ? $"#{dump.Sequence}, {Humane.Ago(dump.At, now)}" : "",
                RiskOf(service.AtRisk),
                Humane.Number(service.Divergent));
        }

        return new StatusView(string.Join(Environment.NewLine, Maintenance.Of(report).Prepend(HeadingOf(report))), services, [.. NotesOf(report, now)]);
    }

    private static string HeadingOf(StatusReport report)
    {
        var members = report.Cluster.Members.Select(member =>
            $"{member.Name} {member.Status}{(member.Reachable ? "" : " (unreachable)")}");
        var quorum = report.Cluster.Quorum ? "quorum" : "NO QUORUM";
        return $"Seen from {report.Node}: {quorum}; {string.Join(", ", members)}; voters {string.Join(", ", report.Cluster.Voters)}";
    }

    private static string StateOf(ServiceStatus service)
    {
        var state = service.State.ToString().ToLowerInvariant();
        return service.Paused && service.State != ServiceState.Paused ? $"{state}, paused" : state;
    }

    private static string RiskOf(RiskStatus? risk) => risk switch
    {
        null => "",
        { Bytes: { } bytes } => $"{Humane.Seconds(risk.Seconds)}, {Humane.Bytes(bytes)}",
        _ => Humane.Seconds(risk.Seconds),
    };

    private static IEnumerable<string> NotesOf(StatusReport report, DateTimeOffset now)
    {
        if (report.Cluster.Journal is { Reachable: false } journal)
        {
            yield return $"{report.Node}: the journal has not answered for {Humane.Seconds((now - journal.Since).TotalSeconds)}{Because(journal.Problem)}: "
                + "services run on, ownership does not change.";
        }

        if (!report.Self.GuardAttached)
        {
            yield return $"{report.Node}: the guard is not connected{Because(report.Self.GuardError)}: no service can start here.";
        }
        else if (report.Self.Stopping)
        {
            yield return $"{report.Node}: the guard is stopping.";
        }

        if (report.Self.CertificateExpires is { } expires && expires - now < CertificateWarning)
        {
            yield return $"{report.Node}: its certificate {(expires < now ? "expired" : "expires")} on {Humane.Time(expires)}: "
                + "see 'clusterfs certificates renew --help'.";
        }

        if (report.Services.IsEmpty)
        {
            yield return "No service is configured.";
        }

        foreach (var service in report.Services)
        {
            if (service.Reason is { } reason)
            {
                yield return $"{service.Name}: {reason}";
            }

            foreach (var note in service.Placement.IsDefault ? [] : service.Placement)
            {
                yield return $"{service.Name}: {note}.";
            }

            if (service.Dump is { Ok: false } failing)
            {
                yield return $"{service.Name}: dumps fail{Because(failing.Error)}: what is at risk grows.";
            }

            if (service.Dump?.Kept is { } kept && (kept.Files > 0 || kept.WhyNot is not null))
            {
                yield return $"{service.Name}: {kept.Files} large files kept for the next dump, {Humane.Bytes(kept.Bytes)}"
                    + (kept.WhyNot is { } why ? $"; not all, because {why}" : "");
            }

            if (service.Dump?.Guarantee is { } guarantee)
            {
                yield return $"{service.Name}: dumps ({service.Dump.Capture ?? "auto"}): {guarantee}";
            }

            if (!service.Standbys.IsDefaultOrEmpty)
            {
                yield return $"{service.Name}: standbys: {string.Join("; ", service.Standbys.Select(StandbyOf))}";
            }

            foreach (var note in RehearsalsOf(service, now).Concat(ConfigNotes.Of(service)).Concat(SeededNotes.Of(service)).Concat(StaticNotes.Of(service, now)))
            {
                yield return note;
            }

            if (service.Phase?.ExitCode is { } exitCode)
            {
                yield return $"{service.Name}: ended by itself on {report.Node}, exit code {exitCode}.";
            }

            if (service.Phase is { Frozen: true })
            {
                yield return $"{service.Name}: FROZEN on {report.Node}, where its lease was lost: it writes nothing. Look at it, never thaw it; "
                    + $"'clusterfs release {service.Name}' there kills it, and so does its next start there.";
            }

            if (AddressesOf(service, report.Node) is { } addresses)
            {
                yield return $"{service.Name}: {addresses}";
            }

            foreach (var logs in service.Logs.IsDefault ? [] : service.Logs)
            {
                if (LogsOf(logs, now) is { } words)
                {
                    yield return $"{service.Name}: {report.Node}: {words}";
                }
            }

            if (service.Divergent > 0)
            {
                yield return $"{service.Name}: {service.Divergent} divergent, see 'clusterfs divergent list {service.Name}'.";
            }
        }

        if (report.Services.Any(service => service.AtRisk is not null))
        {
            yield return "AT RISK is what was written since the last dump: lost in a failover, kept in a move.";
        }
    }

    /// <returns>Null where there is nothing to be said.</returns>
    private static string? AddressesOf(ServiceStatus service, string node) =>
        service.Addresses.IsDefaultOrEmpty ? null
        : service.Phase is { AddressProblem: { } problem } ? $"ADDRESS MISSING on {node}: {problem}"
        : service.Phase is { AddressesOn: { IsDefaultOrEmpty: false } on } ? $"address {string.Join(", ", on)} of {node}"
        : $"address {string.Join(", ", service.Addresses)}, {(service is { Owner: { } owner, State: ServiceState.Owned } ? $"on {owner}" : "on no node")}";

    /// <returns>Null where there is nothing to be said.</returns>
    private static string? LogsOf(LogsStatus logs, DateTimeOffset now)
    {
        var waiting = logs.WaitingBytes == 0 ? "" : $", {Humane.Bytes(logs.WaitingBytes)} to be moved";
        return logs.Goes switch
        {
            "spool" => $"{logs.Link}: SPOOLED on its own disk for {Humane.Seconds(Math.Max(0, (now - logs.Since).TotalSeconds))}{waiting}{Because(logs.Problem)}",
            "shared" when logs.StillOpen > 0 => $"{logs.Link}: {logs.StillOpen} earlier log files still open{waiting}{Because(logs.Problem)}",
            "shared" when logs.WaitingBytes > 0 || logs.Problem is not null => $"{logs.Link}: on shared storage{waiting}{Because(logs.Problem)}",
            "shared" => null,
            _ => $"{logs.Link}: logs do not go to shared storage{waiting}{Because(logs.Problem)}",
        };
    }

    private static string StandbyOf(StandbyStatus standby)
    {
        var copy = standby.LagSeconds switch
        {
            null => "no copy yet",
            0 => $"#{standby.Sequence}, the newest",
            { } lag => $"#{standby.Sequence}, {Humane.Seconds(lag)} behind",
        };
        return $"{standby.Node} {copy}{Because(standby.Problem)}";
    }

    private static IEnumerable<string> RehearsalsOf(ServiceStatus service, DateTimeOffset now)
    {
        var all = service.Rehearsals.IsDefault ? [] : service.Rehearsals;
        foreach (var failing in all.Where(rehearsal => rehearsal.Problem is not null))
        {
            var word = failing.Hangs ? "HANGS" : "FAILS";
            yield return $"{service.Name}: REHEARSAL {word} on {failing.Node}: {failing.Problem!.TrimEnd('.')}. "
                + (failing.At is { } passed ? $"The last that went well: #{failing.Sequence}, {Humane.Ago(passed, now)}." : "None went well there yet.");
        }

        var fine = all.Where(rehearsal => rehearsal is { Problem: null, At: not null }).ToList();
        if (fine.Count > 0)
        {
            yield return $"{service.Name}: rehearsed: {string.Join("; ", fine.Select(rehearsal => RehearsalOf(rehearsal, now)))}";
        }
    }

    private static string RehearsalOf(RehearsalStatus rehearsal, DateTimeOffset now) =>
        $"{rehearsal.Node} #{rehearsal.Sequence} {(rehearsal.Checked ? "restored and checked" : "restored")} in {Humane.Seconds(rehearsal.Seconds ?? 0)}, "
        + Humane.Ago(rehearsal.At!.Value, now);

    private static string Because(string? reason) => reason is null ? "" : $" ({reason})";
}
