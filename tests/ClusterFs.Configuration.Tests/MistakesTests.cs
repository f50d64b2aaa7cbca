namespace ClusterFs.Configuration.Tests;

/// <summary>Every mistake and the one line that names it. The good configuration has seven lines; a case's mistake is line 8.</summary>
public sealed class MistakesTests : IDisposable
{
    private readonly ConfigurationFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(
        "clusterfs.lease.tll = 5s",
        "node.conf:8: clusterfs.lease.tll: is no known key; did you mean 'ttl'? known here: stop-budget, ttl")]
    [InlineData(
        "clusterfs.telemetry.otlp-endpoint = \"collector:4318\"",
        "node.conf:8: clusterfs.telemetry.otlp-endpoint: 'collector:4318' is no address of a collector; expected one such as http://127.0.0.1:4318, without a query")]
    [InlineData(
        "clusterfs.services.wiki.on-loss = kill",
        "node.conf:8: clusterfs.services.wiki.on-loss: is no known key; did you mean 'on-lost'? known here: address, config, depends-on, failback, failover, live, logs, nodes, notify, on-lost, pid-file, seeded, static, stop-timeout, unit, with")]
    [InlineData(
        "clusterfs.services.wiki.depends-on = [bd]",
        "node.conf:8: clusterfs.services.wiki.depends-on: bd is no service; clusterfs.services has wiki")]
    [InlineData(
        "clusterfs.services { wiki.with = [db], db { live.path = /var/lib/db, depends-on = [wiki] } }",
        "node.conf:8: clusterfs.services.db.depends-on: leads back to itself: db -> wiki -> db; expected services that can be put in an order")]
    [InlineData(
        "clusterfs.services { wiki.with = [db], wiki.nodes = [n1], db { live.path = /var/lib/db, nodes = [n2, n1] } }",
        "node.conf:8: clusterfs.services.wiki.nodes: wiki is kept together with db, which may run on n2, n1; expected the same nodes, in any order")]
    [InlineData(
        "clusterfs.services { wiki.with = [db], wiki.failback = manual, db.live.path = /var/lib/db }",
        "node.conf:8: clusterfs.services.wiki.failback: wiki goes where db goes; expected failback in services.db")]
    [InlineData(
        "clusterfs.services.wiki.with = [wiki]",
        "node.conf:8: clusterfs.services.wiki.with: names wiki itself; expected other services")]
    [InlineData(
        "clusterfs.services.wiki.address = 10.0.0.50",
        "node.conf:8: clusterfs.services.wiki.address: '10.0.0.50' is no address with a prefix; expected an address and the length of its network's prefix: 10.0.0.50/24, or \"2001:db8::50/64\"")]
    [InlineData(
        "clusterfs.services.wiki.address = 10.0.0.50/33",
        "node.conf:8: clusterfs.services.wiki.address: '10.0.0.50/33' is no address with a prefix; expected an address and the length of its network's prefix: 10.0.0.50/24, or \"2001:db8::50/64\"")]
    [InlineData(
        "clusterfs.services.wiki.address = 10.0.0/24",
        "node.conf:8: clusterfs.services.wiki.address: '10.0.0/24' is no address with a prefix; expected an address and the length of its network's prefix: 10.0.0.50/24, or \"2001:db8::50/64\"")]
    [InlineData(
        "clusterfs.services.wiki.address = [10.0.0.255/24]",
        "node.conf:8: clusterfs.services.wiki.address: 10.0.0.255/24 is the address of a whole network; expected an address and the length of its network's prefix: 10.0.0.50/24, or \"2001:db8::50/64\"")]
    [InlineData(
        "clusterfs.services.wiki.address { cidr = 127.0.0.9/8 }",
        "node.conf:8: clusterfs.services.wiki.address.cidr: 127.0.0.9/8 never leaves its node; expected an address and the length of its network's prefix: 10.0.0.50/24, or \"2001:db8::50/64\"")]
    [InlineData(
        "clusterfs.services.wiki.address { interface = eth0 }",
        "node.conf:8: clusterfs.services.wiki.address.cidr: is missing; expected an address and the length of its network's prefix: 10.0.0.50/24, or \"2001:db8::50/64\"")]
    [InlineData(
        "clusterfs.services.wiki.address { cidr = 10.0.0.50/24, interface = an-interface-too-long }",
        "node.conf:8: clusterfs.services.wiki.address.interface: 'an-interface-too-long' cannot be the name of an interface; expected one that `ip link` shows, such as eth0")]
    [InlineData(
        "clusterfs.services { wiki.address = 10.0.0.50/24, zoo { live.path = /var/lib/zoo, address = 10.0.0.50/16 } }",
        "node.conf:8: clusterfs.services.zoo.address: 10.0.0.50 is the address of service wiki; expected an address that nothing else has")]
    [InlineData(
        "clusterfs.notify { on = [failover] }",
        "node.conf:8: clusterfs.notify.command: is missing; expected a command for /bin/sh")]
    [InlineData(
        "clusterfs { services.wiki.live.dump-every = 10m, services.wiki.notify { command = mail, overdue-after = 10m } }",
        "node.conf:8: clusterfs.services.wiki.notify.overdue-after: 10m is no longer than live.dump-every of wiki, 10m; expected more; leave it out for 5m, or three times dump-every where that is longer")]
    [InlineData(
        "clusterfs { services.wiki.live.dump-every = 10m, notify { command = mail, overdue-after = 5m } }",
        "node.conf:8: clusterfs.notify.overdue-after: 5m is no longer than live.dump-every of wiki, 10m; expected more; leave it out for 5m, or three times dump-every where that is longer")]
    [InlineData(
        "clusterfs.services.wiki.notify { command = mail, on = [fail-over] }",
        "node.conf:8: clusterfs.services.wiki.notify.on: 'fail-over' is no event; did you mean 'failover'? there are divergent, dump-overdue, failover, left-alone, lost, move-abandoned, moved, paused, power-fenced, rehearsal-failed, resumed, started, vacant")]
    [InlineData(
        "clusterfs.services.wiki.notify { command = mail, on = [lost, node-lost] }",
        "node.conf:8: clusterfs.services.wiki.notify.on: 'node-lost' is of no service; expected in clusterfs.notify")]
    [InlineData(
        "clusterfs.services.wiki.failback = always",
        "node.conf:8: clusterfs.services.wiki.failback: 'always' is none of the choices; expected never, manual, \"after:10m\" or \"window:02:00-04:00\"")]
    [InlineData(
        "clusterfs.services.wiki.failback = \"after:10\"",
        "node.conf:8: clusterfs.services.wiki.failback: '10' is no duration; expected never, manual, \"after:10m\" or \"window:02:00-04:00\", with a unit: s, m, h or d")]
    [InlineData(
        "clusterfs.services.wiki.failback = \"window:2-4\"",
        "node.conf:8: clusterfs.services.wiki.failback: '2-4' is no part of a day; expected two times of day with two digits each, such as window:02:00-04:00 or window:23:30-01:00")]
    [InlineData(
        "clusterfs.services.wiki.failback = \"window:04:00-04:00\"",
        "node.conf:8: clusterfs.services.wiki.failback: '04:00-04:00' begins when it ends; expected a window that is open for a while")]
    [InlineData(
        "clusterfs.services.wiki.on-lost = frieze",
        "node.conf:8: clusterfs.services.wiki.on-lost: 'frieze' is none of the choices; did you mean 'freeze'? expected freeze, kill, reboot")]
    [InlineData(
        "clusterfs.services.wiki { on-lost = freeze, unit = wiki.service }",
        "node.conf:8: clusterfs.services.wiki.on-lost: only what 'clusterfs run' starts can be frozen; expected kill, or neither unit nor pid-file")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"/etc/x\" { template = a, reloud = b }",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/etc/x\".reloud: is no known key; did you mean 'reload'? known here: check, check-timeout, group, mode, owner, reload, reload-timeout, template")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"/etc/x\".reload = b",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/etc/x\".template: is missing; expected a template, relative to shared.path")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"/etc/x\".template = ../a",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/etc/x\".template: '../a' may lead out of shared.path; expected a path relative to shared.path, without '..'")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"/etc/x\".template = /srv/shared/a",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/etc/x\".template: '/srv/shared/a' may lead out of shared.path; expected a path relative to shared.path, without '..'")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"etc/x\".template = a",
        "node.conf:8: clusterfs.services.wiki.seeded.\"etc/x\": 'etc/x' is no absolute path of a file; expected seeded.\"/etc/…\" { template = … }")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"/..\".template = a",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/..\": '/..' is no absolute path of a file; expected seeded.\"/etc/…\" { template = … }")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"/etc/x\" { template = a, mode = 644 }",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/etc/x\".mode: '644' is no mode; expected octal digits with a leading 0, such as 0644")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"/etc/x\" { template = a, mode = 0849 }",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/etc/x\".mode: '0849' is no mode; expected octal digits with a leading 0, such as 0644")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"/etc/x\" { template = a, check-timeout = 5s }",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/etc/x\".check-timeout: has no effect without check; expected check too, or no check-timeout")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"/var/lib/wiki/x\".template = a",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/var/lib/wiki/x\": lies in the live content of wiki, /var/lib/wiki, which goes from node to node; expected a file that stays on its node")]
    [InlineData(
        "clusterfs.services.wiki.seeded.\"/srv/shared/x\".template = a",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/srv/shared/x\": lies on shared storage, /srv/shared, which all nodes write to; expected a file on a local disk")]
    [InlineData(
        "clusterfs.services { blog.live.path = /var/lib/blog, blog.seeded.\"/etc/x\".template = a, wiki.seeded.\"/etc/../etc/x\".template = b }",
        "node.conf:8: clusterfs.services.wiki.seeded.\"/etc/../etc/x\": /etc/x is also a seeded file of blog; expected every file once")]
    [InlineData(
        "clusterfs.services.wiki.config.nginx.include-in = /etc/x",
        "node.conf:8: clusterfs.services.wiki.config.nginx.source: is missing; expected a file or directory, relative to shared.path")]
    [InlineData(
        "clusterfs.services.wiki.config.nginx { source = ../a, copy = /etc/x }",
        "node.conf:8: clusterfs.services.wiki.config.nginx.source: '../a' may lead out of shared.path; expected a path relative to shared.path, without '..'")]
    [InlineData(
        "clusterfs.services.wiki.config.nginx { source = clusterfs/config, copy = /etc/x }",
        "node.conf:8: clusterfs.services.wiki.config.nginx.source: 'clusterfs/config' lies where ClusterFs keeps what it needs itself; expected another directory of shared.path")]
    [InlineData(
        "clusterfs.services.wiki.config.nginx.source = a",
        "node.conf:8: clusterfs.services.wiki.config.nginx: says nowhere how it is read; expected one of include-in, link, copy, with an absolute path")]
    [InlineData(
        "clusterfs.services.wiki.config.nginx { source = a, copy = /etc/x, include = \"include %PATH%\" }",
        "node.conf:8: clusterfs.services.wiki.config.nginx.include: has no effect without include-in; expected include-in, or no include")]
    [InlineData(
        "clusterfs.services.wiki.config.nginx { source = a, include-in = /etc/x, include = include }",
        "node.conf:8: clusterfs.services.wiki.config.nginx.include: 'include' does not say once where the path goes; expected such as \"include %PATH%;\"")]
    [InlineData(
        "clusterfs.services.wiki.config.nginx { source = a, copy = /etc/x, healthy-within = 5s }",
        "node.conf:8: clusterfs.services.wiki.config.nginx.healthy-within: has no effect without healthy; expected healthy too, or no healthy-within")]
    [InlineData(
        "clusterfs.services.wiki.config.nginx { source = a/b, include-in = /srv/shared/a/b }",
        "node.conf:8: clusterfs.services.wiki.config.nginx: /srv/shared/a/b would include itself: it is, or lies in, the source; expected a file on a local disk")]
    [InlineData(
        "clusterfs.services.wiki.config.nginx { source = a/b, link = /srv/shared/a/b/c }",
        "node.conf:8: clusterfs.services.wiki.config.nginx: /srv/shared/a/b/c would be a link to itself: it is, or lies in, the source; expected a file on a local disk")]
    [InlineData(
        "clusterfs.services.wiki { config.nginx { source = a, include-in = /etc/x }, seeded.\"/etc/x\".template = b }",
        "node.conf:8: clusterfs.services.wiki.config.nginx: /etc/x is also a seeded file of wiki, whose rendering would overwrite it; expected another file")]
    [InlineData(
        "clusterfs.services.wiki.config { a { source = a, copy = /etc/x }, b { source = b, include-in = /etc/x } }",
        "node.conf:8: clusterfs.services.wiki.config.b: /etc/x and /etc/x, of wiki.config.a, would overwrite one another; expected places of their own")]
    [InlineData(
        "clusterfs.seeded.variables.domain = a",
        "node.conf:8: clusterfs.seeded.variables.domain: cannot be a name in a template; expected at most 63 capital letters, digits and '_', a letter first")]
    [InlineData(
        "clusterfs.seeded.variables.NODE = a",
        "node.conf:8: clusterfs.seeded.variables.NODE: is given by ClusterFs in every template; expected another name")]
    [InlineData(
        "clusterfs.seeded { variables.DOMAIN = a, nodes.n2.DOMIAN = b }",
        "node.conf:8: clusterfs.seeded.nodes.n2.DOMIAN: gives another value to what is no name in clusterfs.seeded.variables; did you mean 'DOMAIN'? it has DOMAIN")]
    [InlineData(
        "clusterfs.seeded.nodes.n9 {}",
        "node.conf:8: clusterfs.seeded.nodes.n9: there is no node n9; did you mean 'n1'? clusterfs.cluster.nodes has n1, n2, n3")]
    [InlineData("clusterf.lease.ttl = 5s", "node.conf:8: clusterf: is no known key; did you mean 'clusterfs'? known here: clusterfs")]
    [InlineData(
        "clusterfs.cluster.port = many",
        "node.conf:8: clusterfs.cluster.port: 'many' is no whole number; expected a whole number from 1 to 65535")]
    [InlineData(
        "clusterfs.cluster.port = 70000",
        "node.conf:8: clusterfs.cluster.port: 70000 is out of range; expected a whole number from 1 to 65535")]
    [InlineData(
        "clusterfs.cluster.guard-port = 4053",
        "node.conf:8: clusterfs.cluster.guard-port: 4053 is also clusterfs.cluster.port; expected a port of its own")]
    [InlineData(
        "clusterfs.fence.timeout = 5s",
        "node.conf:8: clusterfs.fence.command: is missing; expected a fence agent, an absolute path")]
    [InlineData(
        "clusterfs.fence { command = /bin/true, nodes { n9 {} } }",
        "node.conf:8: clusterfs.fence.nodes.n9: there is no node n9; did you mean 'n1'? clusterfs.cluster.nodes has n1, n2, n3")]
    [InlineData(
        "clusterfs.fence { command = /bin/true, nodes.n1.action = off }",
        "node.conf:8: clusterfs.fence.nodes.n1.action: cannot be set here; expected an option of the fence agent, on one line; action is set above")]
    [InlineData(
        "clusterfs.services.wiki.logs.reopen = go",
        "node.conf:8: clusterfs.services.wiki.logs.link: is missing; expected the directory that the service writes its logs to, an absolute path, or an array of several")]
    [InlineData(
        "clusterfs.services.wiki.logs.link = []",
        "node.conf:8: clusterfs.services.wiki.logs.link: is missing; expected the directory that the service writes its logs to, an absolute path, or an array of several")]
    [InlineData(
        "clusterfs.services.wiki.logs.link = log/wiki",
        "node.conf:8: clusterfs.services.wiki.logs.link: 'log/wiki' is no absolute path; expected the directory that the service writes its logs to, an absolute path, or an array of several")]
    [InlineData(
        "clusterfs.services.wiki.logs.link = [/var/log/wiki, /srv/log/wiki]",
        "node.conf:8: clusterfs.services.wiki.logs.link: there are two directories wiki; expected different names: they lie beside one another on shared storage")]
    [InlineData(
        "clusterfs.services.wiki.logs.link = /var/lib/wiki/log",
        "node.conf:8: clusterfs.services.wiki.logs.link: /var/lib/wiki/log overlaps the live content of wiki, /var/lib/wiki; expected a directory of its own, on a local disk")]
    [InlineData(
        "clusterfs.services.wiki.logs.link = /var/log",
        "node.conf:8: clusterfs.services.wiki.logs.link: /var/log is of the whole machine; expected a directory of the service's own, such as /var/log/wiki")]
    [InlineData(
        "clusterfs.services.wiki.logs.link = /home",
        "node.conf:8: clusterfs.services.wiki.logs.link: /home is of the whole machine; expected a directory of the service's own, such as /var/log/wiki")]
    [InlineData(
        "clusterfs { node.socket = /run/wiki/clusterfs.sock, services.wiki.logs.link = /run/wiki }",
        "node.conf:8: clusterfs.services.wiki.logs.link: /run/wiki overlaps node.socket, /run/wiki/clusterfs.sock; expected a directory of its own, on a local disk")]
    [InlineData(
        "clusterfs.services.wiki.logs { link = /var/log/wiki, file-name = \"%NODE%.log\" }",
        "node.conf:8: clusterfs.services.wiki.logs.file-name: '%NODE%.log' is no pattern: it does not have * once; expected such as \"%NODE%-*\"")]
    [InlineData(
        "clusterfs.services.wiki.logs { link = /var/log/wiki, time-pattern = \"%H:%M\" }",
        "node.conf:8: clusterfs.services.wiki.logs.time-pattern: '%H:%M' is no pattern: it says no time; expected such as \"%d.%m.%Y %H:%M:%S\"")]
    [InlineData(
        "clusterfs.services { wiki.logs.link = /var/log/wiki, blog { live.path = /var/lib/blog, logs.link = [/var/log/wiki] } }",
        "node.conf:8: clusterfs.services.blog.logs.link: /var/log/wiki overlaps a link of wiki, /var/log/wiki; expected a directory of its own, on a local disk")]
    [InlineData("clusterfs.lease = 5s", "node.conf:8: clusterfs.lease: is the text '5s'; expected an object: { … }")]
    [InlineData("clusterfs.lease.ttl = [5s]", "node.conf:8: clusterfs.lease.ttl: is an array; expected a single value")]
    [InlineData("clusterfs.lease.ttl = -5s", "node.conf:8: clusterfs.lease.ttl: -5s is out of range; expected 500ms to 1h")]
    [InlineData("clusterfs.lease.ttl = 0s", "node.conf:8: clusterfs.lease.ttl: 0s is out of range; expected 500ms to 1h")]
    [InlineData("clusterfs.lease.ttl = 90d", "node.conf:8: clusterfs.lease.ttl: 90d is out of range; expected 500ms to 1h")]
    [InlineData(
        "clusterfs.lease.ttl = 5",
        "node.conf:8: clusterfs.lease.ttl: '5' is no duration; expected 500ms to 1h, written with a unit: ms, s, m, h or d")]
    [InlineData(
        "clusterfs.lease.stop-budget = 2500ms",
        "node.conf:8: clusterfs.lease.stop-budget: 2500ms leaves too little of a ttl of 5s to run in; expected less than half of the ttl, 2500ms")]
    [InlineData(
        "clusterfs.node.name = n4",
        "node.conf:8: clusterfs.node.name: 'n4' is no node of the cluster; did you mean 'n1'? clusterfs.cluster.nodes has n1, n2, n3")]
    [InlineData(
        "clusterfs.node.name = null",
        "node.conf:8: clusterfs.node.name: is missing; expected the name of this node, one of clusterfs.cluster.nodes")]
    [InlineData(
        "clusterfs.node.address = 127.0.0.2",
        "node.conf:8: clusterfs.node.address: 127.0.0.2 is not the address of n1 in clusterfs.cluster.nodes, 127.0.0.1; expected the same; it may be left out here")]
    [InlineData(
        "clusterfs.node.state-dir = state",
        "node.conf:8: clusterfs.node.state-dir: 'state' is no absolute path; expected an absolute path")]
    [InlineData(
        "clusterfs.node.socket = /run/clusterfs/guard.sock",
        "node.conf:8: clusterfs.node.socket: /run/clusterfs/guard.sock is the guard's own socket; expected another name in that directory")]
    [InlineData(
        "clusterfs.cluster.nodes.n2 = 127.0.0.9",
        "node.conf:8: clusterfs.cluster.nodes.n2: two nodes have the name n2, the other one at node.conf:3; expected a name of its own for every node")]
    [InlineData(
        "clusterfs.cluster.nodes.n4 = 127.0.0.2",
        "node.conf:8: clusterfs.cluster.nodes.n4: 127.0.0.2 is already the address of n2; expected an address of its own for every node")]
    [InlineData(
        "clusterfs.cluster.nodes.n4 = somewhere",
        "node.conf:8: clusterfs.cluster.nodes.n4: 'somewhere' is no IP address; expected one such as 127.0.0.1")]
    [InlineData(
        "clusterfs.cluster.voters = [n1, n7]",
        "node.conf:8: clusterfs.cluster.voters: the voter n7 is no node, and not sql; did you mean 'n1'? clusterfs.cluster.nodes has n1, n2, n3")]
    [InlineData(
        "clusterfs.cluster.voters = []",
        "node.conf:8: clusterfs.cluster.voters: is empty; expected names of nodes; leave it out to let all nodes vote")]
    [InlineData("clusterfs.cluster.voters = [n1, n1]", "node.conf:8: clusterfs.cluster.voters: names n1 twice; expected every voter once")]
    [InlineData("clusterfs.cluster.voters = n1", "node.conf:8: clusterfs.cluster.voters: is the text 'n1'; expected an array: [a, b]")]
    [InlineData(
        "clusterfs.journal.provider = postgres",
        "node.conf:8: clusterfs.journal.provider: 'postgres' is none of the choices; did you mean 'postgresql'? expected postgresql, sqlite")]
    [InlineData(
        "clusterfs.journal.connection-string = \"Data Source=journal.db\"",
        "node.conf:8: clusterfs.journal.connection-string: names no absolute file; expected \"Data Source=/…\"")]
    [InlineData(
        "clusterfs.shared.path = null",
        "node.conf:8: clusterfs.shared.path: is missing; expected where the shared file system is mounted, an absolute path")]
    [InlineData(
        "clusterfs.shared.key-file = /srv/shared/archive.keys",
        "node.conf:8: clusterfs.shared.key-file: /srv/shared/archive.keys lies on the storage that it is to protect; expected a file on this node's own disk")]
    [InlineData(
        "clusterfs.services.wiki.nodes = [n1, n8]",
        "node.conf:8: clusterfs.services.wiki.nodes: the node n8 is no node; did you mean 'n1'? clusterfs.cluster.nodes has n1, n2, n3")]
    [InlineData(
        "clusterfs.services.Wiki.live.path = /var/lib/other",
        "node.conf:8: clusterfs.services.Wiki: 'Wiki' cannot be the name of a service; expected at most 63 lower-case letters, digits and hyphens, a letter or digit first")]
    [InlineData(
        "clusterfs.services.blog { unit = blog.service }",
        "node.conf:8: clusterfs.services.blog.live.path: is missing; expected the directory of the live content, an absolute path on a local disk")]
    [InlineData(
        "clusterfs.services.wiki.live.path = lib/wiki",
        "node.conf:8: clusterfs.services.wiki.live.path: 'lib/wiki' is no absolute path; expected the directory of the live content, an absolute path on a local disk")]
    [InlineData(
        "clusterfs.services.blog.live.path = /var/lib/../lib/wiki/",
        "node.conf:8: clusterfs.services.blog.live.path: /var/lib/wiki is also the live content of wiki (node.conf:6); expected a directory of its own for every service")]
    [InlineData(
        "clusterfs.services.blog.live.path = /var/lib/wiki/blog",
        "node.conf:8: clusterfs.services.blog.live.path: /var/lib/wiki/blog and the live content of wiki, /var/lib/wiki (node.conf:6), are inside one another; expected a directory of its own for every service")]
    [InlineData(
        "clusterfs.services.wiki.live.path = /srv/shared/wiki",
        "node.conf:8: clusterfs.services.wiki.live.path: /srv/shared/wiki overlaps shared.path, /srv/shared; expected a directory on a local disk")]
    [InlineData(
        "clusterfs.services.wiki.live.capture = snapshots",
        "node.conf:8: clusterfs.services.wiki.live.capture: 'snapshots' is none of the choices; did you mean 'snapshot'? expected auto, command, copy, hooks, snapshot, sqlite")]
    [InlineData(
        "clusterfs.services.wiki.live { capture = hooks, resume = go }",
        "node.conf:8: clusterfs.services.wiki.live.quiesce: is missing; expected the command that makes the service write what it has and stand still, for capture = hooks")]
    [InlineData(
        "clusterfs.services.wiki.live { capture = hooks, quiesce = stop }",
        "node.conf:8: clusterfs.services.wiki.live.resume: is missing; expected the command that lets the service go on, for capture = hooks")]
    [InlineData(
        "clusterfs.services.wiki.live { capture = hooks, quiesce = \" \", resume = go }",
        "node.conf:8: clusterfs.services.wiki.live.quiesce: is empty; expected the command that makes the service write what it has and stand still, for capture = hooks")]
    [InlineData(
        "clusterfs.services.wiki.live { capture = hooks, quiesce = stop, resume = go, hook-timeout = 2h }",
        "node.conf:8: clusterfs.services.wiki.live.hook-timeout: 2h is out of range; expected 100ms to 1h")]
    [InlineData(
        "clusterfs.services.wiki.live { capture = command }",
        "node.conf:8: clusterfs.services.wiki.live.command: is missing; expected the command that writes a copy into $CLUSTERFS_TARGET, for capture = command")]
    [InlineData(
        "clusterfs.services.wiki.live.command = pg_basebackup",
        "node.conf:8: clusterfs.services.wiki.live.command: has no effect with capture = auto; expected capture = command, or no command")]
    [InlineData(
        "clusterfs.services.wiki.live { capture = copy, hook-timeout = 5s }",
        "node.conf:8: clusterfs.services.wiki.live.hook-timeout: has no effect with capture = copy; expected capture = hooks, or no hook-timeout")]
    [InlineData(
        "clusterfs.services.wiki.live { capture = command, command = pg_basebackup, quiesce-limit = 5s }",
        "node.conf:8: clusterfs.services.wiki.live.quiesce-limit: has no effect with capture = command; expected capture = hooks, or no quiesce-limit")]
    [InlineData(
        "clusterfs.services.wiki.live.keep-blocks = always",
        "node.conf:8: clusterfs.services.wiki.live.keep-blocks: 'always' is none of the choices; expected auto, off")]
    [InlineData(
        "clusterfs.services.wiki.live.standby = hot",
        "node.conf:8: clusterfs.services.wiki.live.standby: 'hot' is none of the choices; expected none, warm")]
    [InlineData(
        "clusterfs.services.wiki.live.rehearsal.every = never",
        "node.conf:8: clusterfs.services.wiki.live.rehearsal.every: 'never' is no duration; expected 10s to 365d, or off, written with a unit: ms, s, m, h or d")]
    [InlineData(
        "clusterfs.services.wiki.live.rehearsal.every = 5s",
        "node.conf:8: clusterfs.services.wiki.live.rehearsal.every: 5s is out of range; expected 10s to 365d, or off")]
    [InlineData(
        "clusterfs.services.wiki.live.rehearsal.check = \" \"",
        "node.conf:8: clusterfs.services.wiki.live.rehearsal.check: is empty; expected a command that ends with 0 when $CLUSTERFS_RESTORED is right, or no check")]
    [InlineData(
        "clusterfs.services.wiki.live.rehearsal.checks = true",
        "node.conf:8: clusterfs.services.wiki.live.rehearsal.checks: is no known key; did you mean 'check'? known here: check, check-timeout, every")]
    [InlineData(
        "clusterfs.services.wiki.live.dump-every = 5ms",
        "node.conf:8: clusterfs.services.wiki.live.dump-every: 5ms is out of range; expected 100ms to 1d")]
    [InlineData(
        "clusterfs.services.wiki.unit = wiki",
        "node.conf:8: clusterfs.services.wiki.unit: 'wiki' is no service of systemd; did you mean 'wiki.service'?")]
    [InlineData(
        "clusterfs.services.wiki.unit = ${NOWHERE}",
        "node.conf:8: ${NOWHERE} is neither a key nor an environment variable; define it, or write ${?NOWHERE} if it may be missing")]
    [InlineData("clusterfs.services.wiki.static.www {}", "node.conf:8: clusterfs.services.wiki.static.www.path: is missing; expected what is served, an absolute path on a local disk")]
    [InlineData("clusterfs.services.wiki.static.www { path = /var/www/x, keep = 1 }", "node.conf:8: clusterfs.services.wiki.static.www.keep: 1 is out of range; expected a whole number from 2 to 1000")]
    [InlineData("clusterfs.services.wiki.static.www { path = /var/www/x, budget = 2GiB }", "node.conf:8: clusterfs.services.wiki.static.www.budget: is of no use without cache = local; leave it away, or say cache = local")]
    [InlineData("clusterfs.services.wiki.static.www { path = /var/www/x, cache = local, budget = 2 }", "node.conf:8: clusterfs.services.wiki.static.www.budget: '2' is no size; expected 1MiB to 1024TiB, written with a unit: B, KiB, MiB, GiB or TiB")]
    [InlineData("clusterfs.services.wiki.static.www { path = /var/www/x, cache = local, budget = 100B }", "node.conf:8: clusterfs.services.wiki.static.www.budget: 100B is out of range; expected 1MiB to 1024TiB")]
    [InlineData("clusterfs.services.wiki.static.www.path = /www", "node.conf:8: clusterfs.services.wiki.static.www.path: /www is of the whole machine; expected a directory of the service's own, such as /var/www/wiki")]
    [InlineData("clusterfs.services.wiki.static.www.path = /srv/shared/www", "node.conf:8: clusterfs.services.wiki.static.www: /srv/shared/www overlaps shared.path, /srv/shared; expected a path of its own, on a local disk")]
    [InlineData("clusterfs.services.wiki.static.www.path = /var/lib/wiki/www", "node.conf:8: clusterfs.services.wiki.static.www: /var/lib/wiki/www overlaps the live content of wiki, /var/lib/wiki; expected a path of its own, on a local disk")]
    [InlineData("clusterfs.services.wiki.static { a.path = /var/www/x, b.path = /var/www/x/y }", "node.conf:8: clusterfs.services.wiki.static.b: /var/www/x/y overlaps the static content wiki/a, /var/www/x; expected a path of its own, on a local disk")]
    [InlineData("clusterfs.services.wiki.static.WWW.path = /var/www/x", "node.conf:8: clusterfs.services.wiki.static.WWW: 'WWW' cannot be the name of static content; expected at most 63 lower-case letters, digits and hyphens, a letter or digit first")]
    [InlineData("clusterfs.services.wiki.unit = ", "node.conf:8: a value is missing; write \"\" for an empty one")]
    [InlineData("clusterfs { lease { ttl = 5s }", "node.conf:8: this '{' is never closed; expected a '}'")]
    [InlineData("clusterfs.lease.ttl = \"5s", "node.conf:8: this string is never closed; expected a '\"' on the same line")]
    [InlineData("clusterfs.lease.ttl 5s", "node.conf:8: nothing is set after the key 'clusterfs.lease.ttl'; expected '=', ':' or '{'")]
    [InlineData("}", "node.conf:8: '}' does not belong here; a '}' or ']' too many?")]
    [InlineData("include file(\"x\")", "node.conf:8: this form of include is not supported; expected include \"FILE\"")]
    [InlineData("include \"gone.conf\"", "node.conf:8: the included file gone.conf cannot be read: no such file; is the shared file system mounted?")]
    [InlineData("include \"node.conf\"", "node.conf:8: node.conf includes itself; expected no circle of includes")]
    public void A_mistake_is_one_line_that_says_where_what_and_what_instead(string mistake, string expected) =>
        Assert.Equal([expected], _files.Mistakes(ConfigurationFiles.Good + "\n" + mistake));

    [Fact]
    public void All_mistakes_are_told_at_once_in_the_order_of_lines()
    {
        var mistakes = _files.Mistakes("""
            clusterfs {
              lease { ttl = -1s }
              cluster { nodes { n1 = 127.0.0.1 }, voters = [n2] }
              node { nmae = n1 }
            }
            """);
        Assert.Equal(
            [
                "node.conf:1: clusterfs.journal.provider: is missing; expected postgresql, sqlite",
                "node.conf:1: clusterfs.journal.connection-string: is missing; expected what the database's driver needs, such as \"Data Source=/var/lib/clusterfs/journal.db\"",
                "node.conf:1: clusterfs.shared.path: is missing; expected where the shared file system is mounted, an absolute path",
                "node.conf:2: clusterfs.lease.ttl: -1s is out of range; expected 500ms to 1h",
                "node.conf:3: clusterfs.cluster.voters: the voter n2 is no node, and not sql; did you mean 'n1'? clusterfs.cluster.nodes has n1",
                "node.conf:4: clusterfs.node.name: is missing; expected the name of this node, one of clusterfs.cluster.nodes",
                "node.conf:4: clusterfs.node.nmae: is no known key; did you mean 'name'? known here: address, name, socket, state-dir",
            ],
            mistakes);
    }

    [Fact]
    public void Addresses_beyond_this_machine_are_refused_while_the_transport_is_not_encrypted()
    {
        var mistakes = _files.Mistakes(ConfigurationFiles.Good.Replace("127.0.0.2", "10.0.0.2", StringComparison.Ordinal));
        Assert.Equal(
            [
                "node.conf:3: clusterfs.cluster.nodes.n2: 10.0.0.2 is not a loopback address, and without clusterfs.tls nodes talk in clear text; expected clusterfs.tls, or loopback addresses only (127.0.0.1, 127.0.0.2, …)",
                "node.conf:4: clusterfs.journal.provider: sqlite keeps the journal in one file of one machine, but node n2 is on another; expected postgresql, or loopback addresses for all nodes",
            ],
            mistakes);
    }

    [Fact]
    public void A_missing_file_is_one_line()
    {
        var exception = Assert.Throws<ConfigurationException>(() => ConfigurationLoader.Load("/nowhere/node.conf"));
        Assert.Equal("/nowhere/node.conf: cannot be read: no such file; name the node's configuration file with --config", exception.Message);
    }

    [Fact]
    public void Paths_are_looked_at_only_when_asked_for()
    {
        var file = _files.Write("file", "");
        var text = ConfigurationFiles.Good.Replace("/srv/shared", file, StringComparison.Ordinal)
            .Replace("/var/lib/wiki", _files.Write("live", ""), StringComparison.Ordinal);
        _files.Load(text);
        Assert.Equal(
            [
                "node.conf:5: clusterfs.shared.path: file is no directory; is the shared file system mounted?",
                "node.conf:6: clusterfs.services.wiki.live.path: live is no directory; expected a directory, or nothing yet",
            ],
            _files.Mistakes(text, new LoadOptions { CheckPaths = true }));
    }

    [Fact]
    public void A_service_that_is_not_configured_is_refused_with_those_that_are()
    {
        var settings = _files.LoadGoodAnd("clusterfs.services.blog.live.path = /var/lib/blog");
        var exception = Assert.Throws<ConfigurationException>(() => settings.RequireService("wikki"));
        Assert.EndsWith(
            "node.conf: clusterfs.services: there is no service 'wikki'; did you mean 'wiki'? configured are blog, wiki",
            exception.Message,
            StringComparison.Ordinal);
        Assert.Equal("/var/lib/blog", settings.RequireService("blog").Live.Path);
    }

    [Fact]
    public void What_is_in_a_mistake_cannot_break_its_line()
    {
        var mistakes = _files.Mistakes(ConfigurationFiles.Good + "\nclusterfs.\"a\\nb\\u001b[2J\" = 1");
        Assert.Contains("clusterfs.\"a\\u000ab\\u001b[2J\"", Assert.Single(mistakes), StringComparison.Ordinal);
    }
}
