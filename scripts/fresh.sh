#!/usr/bin/env bash
# Does what README's "Run it" says in a Debian that debootstrap has just made, with Go, make and git and nothing else, so that no
# package of this machine can hide that one is not asked for; as root on Debian. It prints the seconds of each step.
#
#   scripts/fresh.sh whole    make demo until the page shows votes, then Ctrl-C; make test
#   scripts/fresh.sh first    make demo as above; then what make test installs, and a test or two of each tier. What Go has
#                             compiled and downloaded on this machine already is used, where its file system allows that
#
# What is tested is the commit that is checked out. The Debian has Go and the network of this machine, asks the package registries
# as this machine does and trusts its certificate authorities; all processes that it starts end with it, and its folder is removed.
set -euo pipefail

say() { printf 'fresh: %s\n' "$*"; }
begun=0
step() { say "$1"; begun=$SECONDS; }
took() { say "  took $((SECONDS - begun)) s"; }

# ---- inside

# page asks for the page's results, without the curl that is not there yet.
page() {
	{ exec 3<>/dev/tcp/127.0.0.1/8080; } 2>/dev/null || return 0
	printf 'GET /api/v1/results HTTP/1.0\r\nHost: 127.0.0.1:8080\r\n\r\n' >&3
	timeout 5 cat <&3 || true
	exec 3>&-
}

# demo runs `make demo` until the page shows votes, and ends it as Ctrl-C does.
demo() {
	local log=/root/demo.log job
	set -m # a job of its own gets the signal that a terminal would send
	make demo >"$log" 2>&1 </dev/null &
	job=$!
	set +m
	until page | grep -q '"total_votes":[1-9]'; do
		if [ $((SECONDS - begun)) -gt 900 ] || ! kill -0 "$job" 2>/dev/null; then
			tail -n 40 "$log"
			say "make demo filled no page"
			return 1
		fi
		sleep 1
	done
	took
	step "Ctrl-C"
	kill -INT -- "-$job"
	wait "$job" || true
	if cat /proc/[0-9]*/comm | grep -xE 'java|postgres|election'; then
		say "make demo has ended, and the processes above have not"
		return 1
	fi
	took
}

inside() {
	cd /root/election
	step "make demo until the page shows votes"
	demo
	if [ "$1" = whole ]; then
		step "make test"
		make test
		took
		return
	fi
	step "scripts/prerequisites.sh test"
	scripts/prerequisites.sh test
	took
	step "a Java 25"
	"$(scripts/prerequisites.sh java25)/bin/java" -version
	took
	step "the tests of a package with the race detector, without a server"
	go test -race ./election
	took
	step "real services"
	go test -tags services -run TestInitPreparesEverything ./setup
	took
	step "a real browser"
	go test -tags browser -run TestBrowserShowsTheCountAsItGrows ./dashboard
	took
	step "the whole program"
	go test -tags e2e -run TestReplayedResult ./e2e
	took
}

# ---- outside

# enter runs a command in a root. It stands in namespaces of mounts and process ids of its own, so that all ends with it.
enter() {
	local mode=$1 root=$2
	shift 2
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/dev/shm"
	mkdir -p "$root/usr/local/go"
	mount --bind "$(go env GOROOT)" "$root/usr/local/go"
	mount -o remount,bind,ro "$root/usr/local/go"
	[ "$mode" = whole ] || { lend "$root" "$(go env GOCACHE)" /root/.cache/go-build && lend "$root" "$(go env GOMODCACHE)" /root/go/pkg/mod; }
	exec env -i "${registries[@]}" HOME=/root PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"
}

# lend shows a folder of this machine in a root. What is written to it there stays there.
lend() {
	local root=$1 from=$2 to=$3 own
	own=$(mktemp -d "$root/../lent.XXXX")
	mkdir -p "$from" "$root$to" "$own/upper" "$own/work"
	mount -t overlay overlay -o "lowerdir=$from,upperdir=$own/upper,workdir=$own/work" "$root$to" 2>/dev/null || true
}

# registries are the settings of package registries that this machine has in variables; copy_settings copies those in files.
registries=()
find_registries() {
	local name
	for name in $(compgen -e); do
		case $name in
		*_proxy | *_PROXY | PIP_* | MAVEN_* | SSL_CERT_* | *_CA_BUNDLE | GIT_SSL_*) registries+=("$name=${!name}") ;;
		esac
	done
	for name in GOPROXY GONOPROXY GOPRIVATE GOSUMDB GONOSUMDB GOINSECURE; do
		registries+=("$name=$(go env "$name")")
	done
}
copy_settings() {
	local root=$1 file
	for file in /etc/resolv.conf /etc/hosts /etc/pip.conf; do
		[ ! -e "$file" ] || cp -L "$file" "$root$file"
	done
	for file in .config/pip .pip .m2/settings.xml .m2/settings-security.xml; do
		[ ! -e "$HOME/$file" ] || { mkdir -p "$(dirname "$root/root/$file")" && cp -rL "$HOME/$file" "$root/root/$file"; }
	done
}

outside() {
	folder= job= # for the trap, which outlives this function
	cd "$(dirname "$0")/.."
	. scripts/debian.sh
	[ "$(id -u)" = 0 ] || { say "this makes a root folder of its own: run it as root, on Debian" >&2 && exit 1; }
	if { exec 3<>/dev/tcp/127.0.0.1/8080; } 2>/dev/null; then
		say "port 8080, where make demo serves its page, is taken: end what listens there" >&2
		exit 1
	fi
	folder=$(mktemp -d "${TMPDIR:-/var/tmp}/fresh.XXXX")
	trap '[ -z "$job" ] || { kill -KILL "$job" && wait "$job"; } 2>/dev/null || true; rm -rf --one-file-system "$folder"' EXIT
	trap 'exit 130' INT TERM

	step "a Debian by debootstrap, with make, git and the certificate authorities by which git fetches"
	debian_root trixie "$folder/root" make git ca-certificates
	copy_settings "$folder/root"
	git clone --quiet --no-hardlinks . "$folder/root/root/election"
	took
	set -m # Ctrl-C is for this script, which ends the rest
	unshare --mount --pid --fork --kill-child bash "$0" enter "$1" "$folder/root" bash /root/election/scripts/fresh.sh inside "$1" </dev/null &
	job=$!
	set +m
	wait "$job"
	job=
	say "done in $SECONDS s"
}

case ${1:-} in
first | whole) outside "$1" ;;
inside) inside "$2" ;;
enter) find_registries && shift && enter "$@" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
