#!/bin/sh
# Appends numbers to a file, five a second, and says of each that it is there, where no node's end can take it away: number, host, uptime, run.
# Does not end when asked where /run/diary-ignores-sigterm is; ends a second late where /run/diary-takes-its-time is.
[ ! -e /run/diary-ignores-sigterm ] || trap '' TERM
[ ! -e /run/diary-takes-its-time ] || trap 'end=${end:-5}' TERM
file=/var/lib/diary/diary.txt
read -r host < /etc/hostname
read -r uptime _ < /proc/uptime
run=$$-$uptime
n=$(tail -n 1 "$file" 2>/dev/null || echo 0)
n=${n:-0}
end=
while sleep 0.2 || [ "$end" ]; do
  n=$((n + 1))
  read -r uptime _ < /proc/uptime   # no process: the SIGTERM of a stop would end it as well, and the line would lack the time
  echo "$n" >> "$file" && echo "$n $host $uptime $run" >> /common/acknowledged
  [ -z "$end" ] || { sleep 0.2; end=$((end - 1)); [ "$end" -gt 0 ] || exit 0; }
done
