#!/usr/bin/env bash
# Builds, tests and shows ClusterFs. `./build.sh` alone lists the verbs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

bin=out/bin
demo=out/demo
faults=out/faults
package=out/package
rid=linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')

usage() {
  cat <<'TXT'
usage: ./build.sh VERB

  build            compile everything; leaves out/bin/clusterfs and out/bin/clusterfsd
  test [FILTER]    build, then run the whole test suite (or the projects whose name contains FILTER)
  fault [OPTION…]  build, then break a real cluster over and over, as root: --minutes N --seed S --nodes 2|3|5 --keep-logs DIR;
                   measurements instead: --kills N, --calm MINUTES [--busy] [--database-away] [--restart-daemon], --services N; --help says more
  simulate [OPTION…] run the lease and the archive in a world where everything fails: --seeds N, --from S, --mutants, --exhaustive; --help says more
  demo [--keep]    build, then three nodes on this machine, a service, a kill, a takeover, a move, its other files; --keep leaves them running
  demo --stop      stop what `demo --keep` left running
  bench archive [--size MiB] [--content SQLite,Maildir,queue] [--tools clusterfs,restic,…] [--on XFS,btrfs,own] [--rounds N] [--dir DIR]
                   build, then our archive beside restic, borg, tar+zstd and rsync, as far as they are installed; where DIR lies (own), or, root
                   only, on file systems made for it, ten times that size on the disk; medians of N rounds (1)
  bench changed [--size MiB] [--on XFS,btrfs,own] [--dir DIR]
                   build, then dumps of 10 MiB changed in one large file, on an XFS and on a btrfs made for it, and where DIR lies; root
                   only, 2.5 times that size on the disk
  bench loops      build, then the innermost loops of the archive by BenchmarkDotNet
  bench hour [--dumps N] [--dir DIR]
                   build, then an hour of dumps every second, as fast as they go: what each costs, and how many files are left
  bench standby [--size MiB] [--dir DIR]
                   build, then takeovers of one large file with a standby copy and without; three times that size on the disk, and more
  bench writer [--size MiB] [--rounds N] [--dir DIR] [--store DIR]
                   build, then a SQLite writer at full speed without dumps, with one every 5 s and with one every second; --store puts the archive
                   elsewhere, as on servers, where shared storage is not the service's own disk
  bench logs [--size MiB] [--dir DIR]
                   build, then clusterfs logs on the logs of three nodes, of that size in all
  bench static [--files N] [--dir DIR]
                   build, then static content of so many files published on three nodes, 1 % changed, behind nginx where it is installed
  bench idle [--services N] [--dir DIR]
                   build, then what daemons of three nodes cost while nothing happens, beside Akka.Cluster alone in the same run
  bench polling [--files N] [--dir DIR]
                   build, then what a daemon's looks at a config file cost that is so many files and does not change
  package [VERSION]
                   build, then out/package/clusterfs_VERSION_ARCHITECTURE.deb: self-contained, with units of systemd, man page, completions
  docs             write docs/configuration.md and docs/commands.md anew, from hocon/clusterfs.conf and from what the commands say of themselves
  clean            delete everything that was built
TXT
}

die() { echo "build.sh: $*" >&2; exit 1; }

need_sdk() {
  command -v dotnet >/dev/null || die "the .NET 10 SDK is missing. Get it from your distribution (Debian, Ubuntu, Fedora: the package is
  called dotnet-sdk-10.0; https://learn.microsoft.com/dotnet/core/install/linux says how), or into your home directory, without root:
    curl -fsSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0 && export PATH=\$HOME/.dotnet:\$PATH"
  # What is built looks for the runtime where the SDK is, wherever that was put.
  export DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
  dotnet --version >/dev/null 2>&1 || die "the .NET SDK here is too old: $(dotnet --list-sdks | tr '\n' ';') global.json asks for 10.0"
}

# Native code where a C linker is at hand (a start takes some 10 ms), compiled to a ready image otherwise (100 ms).
aot() {
  if { command -v clang || command -v gcc; } >/dev/null && [ -e /usr/include/zlib.h ]; then echo true; else
    echo "build.sh: no C compiler with zlib's headers here (Debian: clang zlib1g-dev), so clusterfs is built with the .NET runtime: same commands, slower start" >&2
    echo false; fi
}

publish() { # PROJECT DIRECTORY PROPERTY...
  local project=$1 to=$2; shift 2
  dotnet publish "$project" -c Release -r "$rid" -o "$to" -v quiet --nologo -p:CopyOutputSymbolsToPublishDirectory=false "$@"
}

build() {
  need_sdk
  local native; native=$(aot)
  echo "building clusterfsd"
  publish src/ClusterFs.Node "$bin" --self-contained false -p:PublishSingleFile=true -p:PublishReadyToRun=true
  echo "building clusterfs"
  if [ "$native" = true ]; then publish src/ClusterFs.Cli "$bin"
  else publish src/ClusterFs.Cli "$bin" --self-contained false -p:PublishAot=false -p:PublishSingleFile=true -p:PublishReadyToRun=true; fi
  echo "built $bin/clusterfs and $bin/clusterfsd"
}

build_demo() {
  local native; native=$(aot 2>/dev/null)
  echo "building the demo"
  if [ "$native" = true ]; then publish deploy/demo/Guestbook "$demo"
  else publish deploy/demo/Guestbook "$demo" --self-contained false -p:PublishAot=false -p:PublishReadyToRun=true; fi
  publish deploy/demo/Walkthrough "$demo" --self-contained false
}

build_faults() {
  echo "building the faults"
  publish tests/ClusterFs.Faults "$faults" --self-contained false -p:PublishReadyToRun=true
}

# The daemon with the runtime in it: the servers need none.
build_package() { # [VERSION]
  local version=${1:-$(sed -n 's|.*<VersionPrefix>\(.*\)</VersionPrefix>.*|\1|p' Directory.Build.props)} root=$package/root native
  command -v dpkg-deb >/dev/null || die "dpkg-deb is missing (Debian's package dpkg)"
  need_sdk
  native=$(aot 2>/dev/null)
  [ "$native" = true ] || die "a package needs clusterfs as native code: a C compiler with zlib's headers (Debian: clang zlib1g-dev)"
  rm -rf "$root"
  echo "building clusterfsd with its runtime"
  publish src/ClusterFs.Node "$root/usr/lib/clusterfs" --self-contained true -p:PublishSingleFile=true -p:PublishReadyToRun=true \
    -p:PublishReadyToRunComposite=false -p:DebugType=none -p:DebugSymbols=false
  cp "$bin/clusterfs" "$root/usr/lib/clusterfs/"
  deploy/debian/pack "$root" "$version" "$package"
}

# What tests the package skips itself where it cannot run; no need to build it there.
package_for_tests() { # [FILTER]
  [[ ClusterFs.Systemd.Tests == *"${1:-}"* ]] || return 0
  if [ "$(id -u)" = 0 ] && command -v dpkg-deb systemd-nspawn >/dev/null && [ "$(aot 2>/dev/null)" = true ]; then build_package; fi
}

test_project() { # PROJECT
  echo "== $(basename "$1")"
  CLUSTERFS_BIN=$PWD/$bin dotnet test "$1" -c Release --no-build --nologo --logger "console;verbosity=minimal" 2>&1 |
    tee "$logs/$(basename "$1")" || touch "$logs/failed"
}

# What computes takes what the real clusters beside it leave, which wait most of the time, and gives way to them.
test_beside() { # PROJECT...
  local project
  for project; do
    case $project in
      *.Faults.Tests|*.Guard.Tests) test_project "$project";;
      *) (renice -n 10 "$BASHPID" >/dev/null; test_project "$project");;
    esac
  done
}

run_tests() { # [FILTER]
  local project first=() beside=() first_last=() beside_last=() result=0 passed=0 failed=0 skipped=0   # two lanes that take about as long
  for project in tests/*.Tests; do
    [[ $project == *"${1:-}"* ]] || continue
    case $project in
      *.Archive.Tests|*.Cli.Tests|*.Configuration.Tests|*.Content.Tests|*.Lease.Tests|*.Simulation.Tests) beside+=("$project");;
      *.Faults.Tests|*.Guard.Tests) beside_last+=("$project");;
      *.Systemd.Tests) first_last+=("$project");;
      *) first+=("$project");;
    esac
  done
  first+=(${first_last[@]+"${first_last[@]}"})
  beside+=(${beside_last[@]+"${beside_last[@]}"})
  logs=$(mktemp -d); trap 'kill $(jobs -p) 2>/dev/null || :; rm -rf "$logs"' EXIT
  dotnet build ClusterFs.sln -c Release -v quiet --nologo
  test_beside ${beside[@]+"${beside[@]}"} >"$logs/beside" 2>&1 &
  for project in ${first[@]+"${first[@]}"}; do test_project "$project"; done
  wait
  cat "$logs/beside"
  for project in ${first[@]+"${first[@]}"} ${beside[@]+"${beside[@]}"}; do
    read -r f p s < <(awk 'match($0, /Failed: +[0-9]+, Passed: +[0-9]+, Skipped: +[0-9]+/) {
      gsub(/[^0-9 ]/, " ", $0); f += $1; p += $2; s += $3 } END { print f + 0, p + 0, s + 0 }' \
      <(grep -oE 'Failed: +[0-9]+, Passed: +[0-9]+, Skipped: +[0-9]+' "$logs/$(basename "$project")"))
    failed=$((failed + f)); passed=$((passed + p)); skipped=$((skipped + s))
    [ $((f + p + s)) -gt 0 ] || { echo "build.sh: $project ran no test" >&2; result=1; }
  done
  [ "$failed" -eq 0 ] && [ ! -e "$logs/failed" ] || result=1
  [ "$result" -eq 0 ] || echo "build.sh: some tests did not pass"
  echo "$passed passed, $failed failed, $skipped skipped"
  return "$result"
}

verb=${1:-}; [ $# -eq 0 ] || shift
case $verb in
  build) build;;
  test) build; build_demo; package_for_tests "$@"; run_tests "$@";;
  fault)
    [ "$(id -u)" = 0 ] || die "fault has to run as root: it makes network namespaces and mounts file systems"
    build; build_faults
    CLUSTERFS_BIN=$PWD/$bin exec "$faults/faults" "$@";;
  simulate)
    need_sdk
    dotnet build tests/ClusterFs.Simulation -c Release -v quiet --nologo
    exec dotnet out/artifacts/bin/ClusterFs.Simulation/release/ClusterFs.Simulation.dll "$@";;
  demo)
    if [ "${1:-}" = --stop ]; then
      [ -x "$demo/stop" ] || die "no demo was left running here: ./build.sh demo --keep does"
      exec "$demo/stop"
    fi
    build; build_demo
    CLUSTERFS_BIN=$PWD/$bin exec "$demo/walkthrough" "$@";;
  bench)
    case "${1:-}" in archive|changed|hour|loops|standby|writer|logs|static|idle|polling) ;; *) die "what is to be measured? ./build.sh bench archive, changed, hour, loops, standby, writer, logs, static, idle or polling";; esac
    build
    dotnet build tests/ClusterFs.Benchmarks -c Release -v quiet --nologo
    CLUSTERFS_BIN=$PWD/$bin exec out/artifacts/bin/ClusterFs.Benchmarks/release/ClusterFs.Benchmarks "$@";;
  package) build; build_package "$@";;
  docs)
    need_sdk
    for project in tests/ClusterFs.Configuration.Tests tests/ClusterFs.Cli.Tests; do
      CLUSTERFS_WRITE_DOCS=1 dotnet test "$project" -c Release -v quiet --nologo --filter "FullyQualifiedName~PageTests"
    done;;
  clean) rm -rf out;;
  ""|-h|--help|help) usage;;
  *) echo "build.sh: unknown verb '$verb'" >&2; usage >&2; exit 2;;
esac
