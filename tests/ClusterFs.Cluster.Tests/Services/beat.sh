#!/bin/sh
# beat.sh FILE KIND [COMMAND…]: a service that writes down on the machine's boot-time clock when its processes live.
#   plain     beats beside COMMAND
#   stubborn  beats and ignores SIGTERM
#   forking   beats, and so does a child that left its session and its parent
#   orphan    what that child runs
file=$1 kind=$2
shift 2
[ "$kind" = orphan ] || file=$file.$$

note() {
    read -r now _ < /proc/uptime
    echo "$1 $now" >> "$file"
}

beats() {
    while :; do
        note beat
        sleep 0.05
    done
}

note start
case $kind in
plain)
    beats &
    exec "$@"
    ;;
stubborn)
    trap 'note deaf' TERM INT HUP
    beats
    ;;
forking)
    (setsid sh "$0" "$file.orphan" orphan &)
    beats
    ;;
orphan)
    beats
    ;;
esac
