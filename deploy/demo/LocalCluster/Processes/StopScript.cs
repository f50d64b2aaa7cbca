namespace ClusterFs.Demo.Processes;

/// <summary>A script that stops a cluster which was left running.</summary>
internal static class StopScript
{
    public static string For(ProcessMark mark, string directory) => $$"""
        #!/bin/sh
        # Stops every process of this cluster, the services first and in order, and deletes its directory.
        marked() {
            for entry in /proc/[0-9]*; do
                if grep -zqs '^{{ProcessMark.Variable}}={{mark.Cluster}}/' "$entry/environ"; then
                    echo "${entry#/proc/}"
                fi
            done
        }
        named() {
            for id in $(marked); do
                if cat "/proc/$id/cmdline" 2>/dev/null | tr '\0' ' ' | grep -q "$1"; then echo "$id"; fi
            done
        }
        stop() {
            kill -TERM $(named "$1") 2>/dev/null
            for attempt in $(seq 100); do
                [ -n "$(named "$1")" ] || return
                sleep 0.1
            done
        }
        stop 'clusterfs run '
        stop 'clusterfsd '
        stop 'clusterfs guard '
        for attempt in 1 2 3 4 5 6 7 8 9 10; do
            left=$(marked)
            [ -n "$left" ] || break
            kill -KILL $left 2>/dev/null
        done
        rm -rf '{{directory}}'
        echo 'stopped: nothing of the demo is left'

        """;
}
