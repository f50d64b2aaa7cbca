namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.services.*.logs</c>.</summary>
internal static class LogsBinder
{
    private const string Link = "link";
    private const string FileName = "file-name";
    private const string TimePattern = "time-pattern";

    /// <param name="all">The links of all services; those of this one are added.</param>
    /// <returns>Null where there are none.</returns>
    public static LogsSettings? Bind(Section section, string service, List<(string Service, Bound<string> Link)> all)
    {
        const string expected = "expected the directory that the service writes its logs to, an absolute path, or an array of several";
        var written = section.TextOrTexts(Link);
        if (section.IsWritten && written is { Valid: true } && written.Value is not { IsEmpty: false })
        {
            section.Wrong(section.At, Link, 0, "is missing", expected);
        }

        var links = (written.Value ?? []).Select(link => Paths.Check(section, Link, link, expected)).Where(link => link.Valid).ToList();
        foreach (var link in links)
        {
            // The directories are called so on shared storage.
            var name = Path.GetFileName(link.Value);
            if (name.Contains('@', StringComparison.Ordinal))
            {
                section.Wrong(link.At, Link, 0, $"{link.Value} has a name with @ in it", "expected another name");
            }
            else if (all.Exists(other => other.Service == service && Path.GetFileName(other.Link.Value) == name))
            {
                section.Wrong(link.At, Link, 0, $"there are two directories {name}", "expected different names: they lie beside one another on shared storage");
            }

            all.Add((service, link));
        }

        var fileName = section.Text(FileName);
        if (fileName is { Valid: true, Value: not null } && FileNamePatterns.ProblemOf(fileName.Value) is { } fileNameProblem)
        {
            section.Wrong(fileName.At, FileName, 0, $"'{fileName.Value}' is no pattern: {fileNameProblem}", "expected such as \"%NODE%-*\"");
        }

        var time = section.Text(TimePattern);
        if (time is { Valid: true, Value: not null } && TimePatterns.ProblemOf(time.Value) is { } timeProblem)
        {
            section.Wrong(time.At, TimePattern, 0, $"'{time.Value}' is no pattern: {timeProblem}", "expected such as \"%d.%m.%Y %H:%M:%S\"");
        }

        var reopen = section.Text("reopen");
        section.Finish();
        return section.IsWritten ? new LogsSettings([.. links.Select(link => link.Value)], fileName.Value, time.Value, reopen.Value) : null;
    }

    /// <summary>Reports links that are in the way of something else.</summary>
    public static void CheckLinks(
        Section services,
        List<(string Service, Bound<string> Link)> links,
        List<(string Service, Bound<string> Path)> paths,
        ServicesBinder.Surroundings around)
    {
        for (var i = 0; i < links.Count; i++)
        {
            var (service, link) = links[i];
            var logs = services.NamedChild(service).Child("logs");
            var others = links.Take(i).Select(other => (other.Link.Value, What: $"a link of {other.Service}"))
                .Concat(paths.Select(path => (path.Path.Value, What: $"the live content of {path.Service}")))
                .Append((around.Shared.Path, "shared.path"))
                .Append((around.Node.StateDirectory, "node.state-dir"))
                .Concat(around.Own)
                .Append((link.At.File, "the configuration"));
            if (Path.GetDirectoryName(link.Value) == "/" || link.Value == "/var/log")
            {
                logs.Wrong(link.At, Link, 0, $"{link.Value} is of the whole machine", "expected a directory of the service's own, such as /var/log/wiki");
            }

            foreach (var (path, what) in others.Where(other => other.Item1.Length > 0 && Paths.Overlap(link.Value, other.Item1)))
            {
                logs.Wrong(link.At, Link, 0, $"{link.Value} overlaps {what}, {path}", "expected a directory of its own, on a local disk");
            }
        }
    }
}
