using System.Diagnostics;

namespace ClusterFs.Demo.Processes;

/// <summary>
/// A shell that waits for the end of the process that started the cluster, however it ends, and then kills what is left of the cluster.
/// </summary>
public sealed class Warden : IDisposable
{
    /// <summary>End of file on standard input means that the driver is gone; a line means that there is nothing left to do.</summary>
    private const string Script = """
        trap '' INT TERM HUP QUIT
        read -r dismissed && exit 0
        kill_marked() {
            found=
            for directory in /proc/[0-9]*; do
                if grep -zqs "^$1" "$directory/environ"; then
                    kill -9 "${directory#/proc/}" 2>/dev/null && found=yes
                fi
            done
            [ -n "$found" ]
        }
        for attempt in 1 2 3 4 5 6 7 8 9 10; do kill_marked "$0" || break; done
        eval "$1"
        """;

    private readonly Process _shell;

    private Warden(Process shell) => _shell = shell;

    /// <param name="mark">Whose processes to kill.</param>
    /// <param name="removal">A shell script that deletes what else is left.</param>
    public static Warden Start(ProcessMark mark, string removal)
    {
        var start = new ProcessStartInfo("setsid") { UseShellExecute = false, RedirectStandardInput = true };
        foreach (var argument in (string[])["/bin/sh", "-c", Script, $"{ProcessMark.Variable}={mark.Cluster}/", removal])
        {
            start.ArgumentList.Add(argument);
        }

        return new Warden(Process.Start(start) ?? throw new IOException("the warden cannot be started: setsid"));
    }

    /// <summary>Sends it home: the cluster is stopped, or is meant to outlive this process.</summary>
    public void Dispose()
    {
        try
        {
            _shell.StandardInput.WriteLine("dismissed");
            _shell.StandardInput.Close();
        }
        catch (IOException)
        {
            // Killed by somebody: then there is nobody to send home.
        }

        _shell.WaitForExit(TimeSpan.FromSeconds(1));
        _shell.Dispose();
    }
}
