#!/bin/bash
# Servers with systemd on this machine, each with its own network, host name, processes, root file system (an overlay over /, so what is
# installed here is there) and mount of a shared file system at /srv/shared. As root: hosts.sh NAME COMMAND, NAME being this rig's own.
#   up HOST…         boots them; 10.0.0.1 and so on, addresses that exist between them only
#   exec HOST CMD…   runs a command there
#   cut HOST         takes its power: every process is killed at once
#   boot HOST        switches it on again, also after it was shut down
#   wait HOST        waits until it is off
#   isolate HOST     nothing reaches it, and nothing from it reaches anybody; rejoin HOST
#   freeze HOST ; thaw HOST
#   down             removes everything
set -eu
rig=$1 command=$2; shift 2
base=/run/clusterfs-systemd/$rig
groups="unified systemd memory cpu blkio pids"; tree=/sys/fs/cgroup
[ -d $tree/unified ] || { groups=.; }                        # a machine with the unified hierarchy alone
main=$tree/${groups%% *}

die() { echo "hosts.sh: $*" >&2; exit 1; }
until_true() { local i; for i in $(seq 1500); do "$@" >/dev/null 2>&1 && return; sleep .02; done; echo "hosts.sh: waited in vain: $*" >&2; return 1; }
is_off() { [ "$(sed -n 's/^populated //p' "$main/$rig/$1/cgroup.events" 2>/dev/null)" != 1 ]; }
number() { local i=0 host; for host in $(cat $base/names); do i=$((i + 1)); [ $host != $1 ] || { echo $i; return; }; done; die "no host $1"; }
join() { local g; for g in $groups; do [ ! -d $tree/$g/$rig/$1 ] || echo $BASHPID > $tree/$g/$rig/$1/cgroup.procs; done; }   # in a subshell only
mounted() { grep -q " $1 " /proc/self/mounts; }

up() {
  local host g boot boots failed
  mkdir -p $base; mount -t tmpfs -o size=12g,mode=755 clusterfs-systemd $base; mount --make-shared $base
  echo "$@" > $base/names; mkdir $base/shared $base/common; chmod 755 $base/shared
  ip netns add $rig-switch; ip -n $rig-switch link add br0 type bridge; ip -n $rig-switch link set br0 up
  echo '127.0.0.1 localhost' > $base/hosts
  for host; do echo "10.0.0.$(number $host) $host" >> $base/hosts; done
  for host; do
    mkdir -p $base/$host/{up,work,root}
    for g in $groups; do [ ! -d $tree/$g ] || mkdir -p $tree/$g/$rig/$host; done
    ip netns add $rig-$host; ip -n $rig-$host link set lo up
    ip -n $rig-$host link add eth0 type veth peer name p-$host netns $rig-switch
    ip -n $rig-switch link set p-$host master br0 up
    ip -n $rig-$host addr add 10.0.0.$(number $host)/24 dev eth0; ip -n $rig-$host link set eth0 up
  done
  for host; do boot $host & boots="${boots-} $!"; done
  for boot in $boots; do wait $boot || failed=1; done
  for host; do ! is_off $host || failed=1; done
  [ -z "${failed-}" ] || die "not all came up: $(tail -n 5 $base/*/log)"
}

boot() {
  local host=$1 root=$base/$1/root unshared
  is_off $host || die "$host is on"
  mounted $root || mount -t overlay $rig-$host -o lowerdir=/,upperdir=$base/$host/up,workdir=$base/$host/work $root
  mkdir -p $root/srv/shared $root/.shared $root/common; cp $base/hosts $root/etc/hosts; echo $host > $root/etc/hostname
  if [ ! -e $root/etc/systemd/rig ]; then                    # nothing of this machine's own services
    touch $root/etc/systemd/rig; rm -rf $root/etc/systemd/system/*.wants; : > $root/etc/machine-id
    rm -f $root/etc/nologin
    for unshared in getty.target systemd-timesyncd.service systemd-networkd-wait-online.service; do ln -sf /dev/null $root/etc/systemd/system/$unshared; done
    cat > $root/etc/systemd/system/srv-shared.service <<'UNIT'
[Unit]
Before=remote-fs.target
[Service]
Type=forking
ExecStart=/usr/bin/bindfs --enable-lock-forwarding --multithreaded /.shared /srv/shared
KillMode=none
[Install]
WantedBy=remote-fs.target
UNIT
    mkdir -p $root/etc/systemd/system/remote-fs.target.wants $root/etc/systemd/system/multi-user.target.wants
    ln -s ../srv-shared.service $root/etc/systemd/system/remote-fs.target.wants/
    ln -s /lib/systemd/system/remote-fs.target $root/etc/systemd/system/multi-user.target.wants/
  fi
  ( join $host; cd /; SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 exec setsid systemd-nspawn -q -D $root \
      --network-namespace-path=/run/netns/$rig-$host --register=no --keep-unit --capability=all --link-journal=no --resolv-conf=off --timezone=off \
      -M $host --bind=$base/shared:/.shared --bind=$base/common:/common --bind=/dev/fuse --boot --console=pipe </dev/null >>$base/$host/log 2>&1 ) &
  local nspawn=$!
  until_true first_process $nspawn $host
  until_true run $host test -S /run/systemd/private
  run $host systemctl is-system-running --wait >/dev/null || run $host systemctl --failed --no-pager --plain >&2
}

# The child of nspawn that is the first process in a namespace of its own: before it there is another, for a moment.
first_process() { local child
  for child in $(pgrep -P $1); do
    [ "$(awk '/^NSpid:/ { print NF, $NF }' /proc/$child/status)" != "3 1" ] || { echo $child > $base/$2/pid; return; }
  done; return 1; }

run() { local host=$1; shift; ! is_off $host || die "$host is off"
  ( join $host; cd /; exec nsenter -t $(cat $base/$host/pid) -m -u -i -n -p -- "$@" ); }

cut() { local host=$1
  echo 1 > $main/$rig/$host/cgroup.freeze; echo 1 > $main/$rig/$host/cgroup.kill; echo 0 > $main/$rig/$host/cgroup.freeze; await $host; }

await() { local host=$1 g
  until_true is_off $host || die "$host does not end: $(is_left $host)"
  for g in $groups; do find $tree/$g/$rig/$host -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || :; done
  ! mounted $base/$host/root || until_true umount $base/$host/root || die "$base/$host/root stays busy: $(is_left $host)"; }

is_left() { grep -l " $base/$1/" /proc/[0-9]*/mountinfo 2>/dev/null | head -5 | while read -r i; do tr '\0' ' ' <${i%mountinfo}cmdline; echo -n '; '; done
  cat $main/$rig/$1/cgroup.procs 2>/dev/null | xargs -r ps -o pid=,stat=,wchan=,args= -p; }

down() { local host g
  [ -e $base/names ] || return 0
  for host in $(cat $base/names); do
    [ ! -e $main/$rig/$host ] || { echo 1 > $main/$rig/$host/cgroup.kill; echo 0 > $main/$rig/$host/cgroup.freeze; await $host; }
    [ ! -e /run/netns/$rig-$host ] || ip netns del $rig-$host
  done
  for g in $groups; do [ ! -d $tree/$g/$rig ] || until_true find $tree/$g/$rig -depth -type d -exec rmdir {} +; done
  [ ! -e /run/netns/$rig-switch ] || ip netns del $rig-switch
  until_true umount $base; rmdir $base; }

case $command in
  up) up "$@";;
  exec) run "$@";;
  cut) cut "$1";;
  boot) await "$1"; boot "$1";;
  wait) await "$1";;
  isolate) ip -n $rig-switch link set p-$1 down;;
  rejoin) ip -n $rig-switch link set p-$1 up;;
  freeze) echo 1 > $main/$rig/$1/cgroup.freeze;;
  thaw) echo 0 > $main/$rig/$1/cgroup.freeze;;
  down) down;;
  *) die "no command $command";;
esac
