using ClusterFs.Archive.Capture;
using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Content.Config;

/// <summary>
/// Runs a check as if the staged version were the one in use, for this check alone: in a mount namespace of its own, where the staged version lies
/// over the one in use. No other program sees anything of it, whatever it reloads meanwhile, and the kernel takes it away with the last process
/// of the check.
/// </summary>
internal static class StagedCheck
{
    private const string Unshare = "/usr/bin/unshare";
    private const string StagedVariable = "CLUSTERFS_STAGED";

    /// <summary>
    /// What lies beside a new target is mounted one by one into an empty directory, which with the target in it is then mounted over the target's own
    /// directory: nothing is made on any disk.
    /// </summary>
    private const string InNamespace = """
        set -e
        fail() { echo "the staged version cannot be mounted for the check"; exit 125; }
        mount --bind "$CLUSTERFS_VERSION_DIR" "$CLUSTERFS_CURRENT/." || fail
        case "$CLUSTERFS_VIEW" in
          Over) mount --bind "$CLUSTERFS_STAGED_TARGET" "$CLUSTERFS_TARGET" || fail ;;
          New)
            p=${CLUSTERFS_TARGET%/*}; p=${p:-/}; n=${CLUSTERFS_TARGET##*/}; s=$CLUSTERFS_SCRATCH
            mount -t tmpfs -o mode=0755 clusterfs "$s" || fail
            for e in "$p"/* "$p"/.[!.]* "$p"/..?*; do
              m=${e##*/}
              if [ "$m" = "$n" ]; then :
              elif [ -L "$e" ]; then cp -P "$e" "$s/$m" || fail
              elif [ -d "$e" ]; then mkdir "$s/$m" && mount --rbind "$e" "$s/$m" || fail
              elif [ -e "$e" ]; then : > "$s/$m" && mount --bind "$e" "$s/$m" || fail
              fi
            done
            if [ -L "$CLUSTERFS_STAGED_TARGET" ]; then cp -P "$CLUSTERFS_STAGED_TARGET" "$s/$n" || fail
            elif [ -d "$CLUSTERFS_STAGED_TARGET" ]; then mkdir "$s/$n" && mount --bind "$CLUSTERFS_STAGED_TARGET" "$s/$n" || fail
            else : > "$s/$n" && mount --bind "$CLUSTERFS_STAGED_TARGET" "$s/$n" || fail
            fi
            mount --rbind "$s" "$p" || fail ;;
        esac
        unset CLUSTERFS_VERSION_DIR CLUSTERFS_CURRENT CLUSTERFS_VIEW CLUSTERFS_STAGED_TARGET CLUSTERFS_SCRATCH
        cd /
        exec /bin/sh -c "$CLUSTERFS_CHECK"
        """;

    private static readonly Lazy<bool> Possible = new(() => Processes.IsRoot
        && File.Exists(Unshare)
        && BoundedCommand.OfShell($"{Unshare} --mount --propagation private true", "/", Guid.NewGuid().ToString("N"), []).Run(TimeSpan.FromSeconds(10), CancellationToken.None).Succeeded);

    /// <summary>Whether this process may give a check a view of its own.</summary>
    public static bool HasNamespaces => Possible.Value;

    /// <exception cref="ConfigException">It refused the version, or cannot see it.</exception>
    public static void Run(
        ConfigSettings settings, LocalVersions versions, string version, StagedView view, string stagedTarget, string scratch,
        IReadOnlyDictionary<string, string> environment, CancellationToken cancellation)
    {
        if (settings.Check is not { } check)
        {
            return;
        }

        var all = new Dictionary<string, string>(environment, StringComparer.Ordinal) { [StagedVariable] = versions.ContentOf(version), ["CLUSTERFS_TARGET"] = settings.Target };
        var command = check;
        if (HasNamespaces)
        {
            Directory.CreateDirectory(scratch);
            all["CLUSTERFS_VERSION_DIR"] = versions.DirectoryOf(version);
            all["CLUSTERFS_CURRENT"] = versions.Current;
            all["CLUSTERFS_VIEW"] = view.ToString();
            all["CLUSTERFS_STAGED_TARGET"] = stagedTarget;
            all["CLUSTERFS_SCRATCH"] = scratch;
            all["CLUSTERFS_CHECK"] = check;
            command = $"exec {Unshare} --mount --propagation private /bin/sh -c '{InNamespace.Replace("'", "'\\''", StringComparison.Ordinal)}'";
        }
        else if (!check.Contains(StagedVariable, StringComparison.Ordinal))
        {
            throw new ConfigException(
                $"the check cannot see a version before it is in use: the daemon is not root, or may not make mount namespaces; have 'check' read ${StagedVariable}");
        }

        var outcome = BoundedCommand.OfShell(command, "/", Guid.NewGuid().ToString("N"), all).Run(settings.CheckTimeout, cancellation);
        if (!outcome.Succeeded)
        {
            throw new ConfigException($"the check refused version {LocalVersions.Short(version)}, so nothing changed: {outcome.Words}");
        }
    }
}
