using System.Globalization;
using System.Text.RegularExpressions;
using ClusterFs.Demo;

namespace ClusterFs.Cluster.Tests.Recipes;

internal sealed partial class MaildirRecipe() : Recipe("maildir", "mail", "dovecot.service", "/var/vmail", [143, 24], 3)
{
    private const string User = "anna";
    private const string Password = "secret";
    private int _imap;
    private int _lmtp;

    public override string? Missing =>
        MissingProgram("dovecot-imapd", "/usr/lib/dovecot/imap") ?? MissingProgram("dovecot-lmtpd", "/usr/lib/dovecot/lmtp")
        ?? (Posix.Processes.IsRoot ? null : "only root can run Dovecot as a mail server");

    /// <summary>
    /// Its stop-timeout. Dovecot takes a second, and six to eight were seen where disk and processors are busy: a child that is just starting waits for
    /// another, which was told to stop, and all wait for that child.
    /// </summary>
    public override TimeSpan LongestStop => TimeSpan.FromSeconds(10);

    public override RecipeClient Connect() => new Client(Host, _imap, _lmtp);

    /// <summary>Its messages by UID, as a client of IMAP sees them.</summary>
    public Task<IReadOnlyDictionary<long, long>> Messages(CancellationToken cancelled) => Client.Messages(Host, _imap, cancelled);

    public override async Task Prepare(ClusterNode node)
    {
        (_imap, _lmtp) = (Port(node.Cluster, 143), Port(node.Cluster, 24));
        await MakeDirectory(LivePath(node), "5000");
        Directory.CreateDirectory(Path.Combine(node.Directory, "dovecot"));
        await File.WriteAllTextAsync(Path.Combine(node.Directory, "dovecot", "users"), $"{User}:{{PLAIN}}{Password}\n");
    }

    protected override IEnumerable<(string Original, string Here)> Differences(ClusterNode node) =>
    [
        ("/usr/sbin/dovecot -F", $"/usr/sbin/dovecot -F -c {Path.Combine(node.Directory, "recipes", "maildir", "dovecot.conf")}"),
        ("/etc/dovecot/", Path.Combine(node.Directory, "dovecot") + "/"),
        ("/run/dovecot", Path.Combine(node.Directory, "run-dovecot")),
        ("/var/cache/mail-index", Path.Combine(node.Directory, "mail-index")),
    ];

    private sealed partial class Client(string host, int imap, int lmtp) : RecipeClient
    {
        private LineConnection? _connection;

        public static async Task<IReadOnlyDictionary<long, long>> Messages(string host, int imap, CancellationToken cancelled)
        {
            using var connection = await LineConnection.Open(host, imap, cancelled);
            await connection.Require("* OK", cancelled);
            await Tagged(connection, $"a login {User} {Password}", null, cancelled);
            await Tagged(connection, "b select INBOX", null, cancelled);
            var messages = new Dictionary<long, long>();
            var uid = 0L;
            await Tagged(
                connection,
                "c uid fetch 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])",
                line =>
                {
                    if (Uid().Match(line) is { Success: true } found)
                    {
                        uid = long.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture);
                    }
                    else if (Subject().Match(line) is { Success: true } subject)
                    {
                        messages.Add(uid, long.Parse(subject.Groups[1].Value, CultureInfo.InvariantCulture));
                    }
                },
                cancelled);
            return messages;
        }

        public override async Task Write(long number, CancellationToken cancelled)
        {
            try
            {
                _connection ??= await Greeted(cancelled);
                await _connection.Ask("MAIL FROM:<sender@example.org>", "250", cancelled);
                await _connection.Ask($"RCPT TO:<{User}>", "250", cancelled);
                await _connection.Ask("DATA", "354", cancelled);
                await _connection.Ask($"Subject: number {number}\r\n\r\nA message.\r\n.", "250", cancelled);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public override async Task<IReadOnlySet<long>> ReadAll(CancellationToken cancelled) =>
            (await Messages(host, imap, cancelled)).Values.ToHashSet();

        public override void Dispose()
        {
            _connection?.Dispose();
            _connection = null;
        }

        private async Task<LineConnection> Greeted(CancellationToken cancelled)
        {
            var connection = await LineConnection.Open(host, lmtp, cancelled);
            try
            {
                await connection.Require("220", cancelled);
                var answer = await connection.Ask("LHLO client.example.org", "250", cancelled);
                while (answer.StartsWith("250-", StringComparison.Ordinal))
                {
                    answer = await connection.Require("250", cancelled);
                }

                return connection;
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }

        /// <summary>Sends a command and reads up to its end.</summary>
        private static async Task Tagged(LineConnection connection, string command, Action<string>? read, CancellationToken cancelled)
        {
            await connection.Send(command, cancelled);
            while (true)
            {
                var line = await connection.Receive(cancelled);
                if (line.StartsWith(command[..2], StringComparison.Ordinal))
                {
                    Assert.StartsWith(command[..2] + "OK", line, StringComparison.Ordinal);
                    return;
                }

                read?.Invoke(line);
            }
        }

        [GeneratedRegex(@"^\* \d+ FETCH \(UID (\d+)")]
        private static partial Regex Uid();

        [GeneratedRegex(@"^Subject: number (\d+)")]
        private static partial Regex Subject();
    }
}
