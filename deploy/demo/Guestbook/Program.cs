using System.CommandLine;
using System.Net;
using ClusterFs.Demo.Guestbook;

var data = new Option<DirectoryInfo>("--data") { Description = "The directory of the database.", Required = true };
var listen = new Option<string>("--listen") { Description = "ADDRESS:PORT to answer on.", Required = true };
listen.Validators.Add(result =>
{
    if (!IPEndPoint.TryParse(result.GetValueOrDefault<string>(), out _))
    {
        result.AddError($"--listen {result.GetValueOrDefault<string>()}: expected ADDRESS:PORT");
    }
});

var command = new RootCommand("A guestbook over HTTP: what it has acknowledged is committed to its SQLite database.") { data, listen };
command.SetAction((parsed, cancelled) =>
    GuestbookServer.Serve(parsed.GetRequiredValue(data).FullName, IPEndPoint.Parse(parsed.GetRequiredValue(listen)), cancelled));
// The web host answers SIGTERM and SIGINT itself: it finishes what it has begun.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
