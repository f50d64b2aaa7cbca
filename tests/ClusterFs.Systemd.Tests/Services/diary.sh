#!/bin/sh
# Appends numbers to a file, five a second, and says of each that it is there, where no node's end can take it away: number, host, uptime, run.
file=/var/lib/diary/diary.txt
run=$$-$(cut -d' ' -f1 /proc/uptime)
n=$(tail -n 1 "$file" 2>/dev/null || echo 0)
n=${n:-0}
while sleep 0.2; do
  n=$((n + 1))
  echo "$n" >> "$file" && echo "$n $(hostname) $(cut -d' ' -f1 /proc/uptime) $run" >> /common/acknowledged
done
