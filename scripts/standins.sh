#!/usr/bin/env bash
# Runs a command with a Docker engine, Compose v2 and the base images that docker/Dockerfile names, where some of them may be
# missing and no image can be pulled:
#
#   scripts/standins.sh go test -tags compose ./docker
#
# - Where a Docker engine answers, it is used, and it pulls the base images. Else Debian's is started in a folder of its own,
#   which is removed when the command has ended; STANDINS=FOLDER keeps it for the next time.
# - Where Compose v2 is missing, it is built from its Go module (tools/compose).
# - In an engine of its own, base images that cannot be pulled are made: debian by debootstrap, golang from that and the Go of
#   this machine. Both trust the certificate authorities that this machine trusts.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian.sh

folder=${STANDINS:-$(mktemp -d)}
mkdir -p "$folder"
own= bridge=
end() {
	if [ -n "$own" ]; then
		kill "$own" 2>/dev/null || true
		wait "$own" 2>/dev/null || true
		umount "$folder"/exec/netns/* 2>/dev/null || true
		[ -n "$bridge" ] || ip link delete docker0 2>/dev/null || true
	fi
	[ -n "${STANDINS:-}" ] || rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT TERM

say() { echo "standins: $*" >&2; }
install() {
	say "installing $*"
	if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >"$folder/apt.log" 2>&1; then
		tail -5 "$folder/apt.log" >&2
		exit 1
	fi
}
answers() { docker info >/dev/null 2>&1; }

# ---- the engine
if ! answers; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		say "no Docker engine answers: start one, or run this as root on Debian, where one is installed and started"
		exit 1
	fi
	{ command -v dockerd && command -v docker; } >/dev/null || install docker.io iptables
fi
if ! answers; then
	say "starting a Docker engine in $folder"
	[ ! -e /sys/class/net/docker0 ] || bridge=there
	export DOCKER_HOST=unix://$folder/docker.sock
	setsid dockerd --data-root "$folder/engine" --exec-root "$folder/exec" -H "$DOCKER_HOST" -p "$folder/dockerd.pid" >"$folder/dockerd.log" 2>&1 &
	own=$!
	for _ in $(seq 100); do
		if answers; then break; fi
		sleep 0.3
	done
	answers || { tail -5 "$folder/dockerd.log" >&2 && exit 1; }
fi

# ---- Compose v2
if ! docker compose version >/dev/null 2>&1; then
	export DOCKER_CONFIG=$folder/config
	if ! docker compose version >/dev/null 2>&1; then
		say "building Compose v2"
		mkdir -p "$DOCKER_CONFIG/cli-plugins"
		go build -C tools/compose -ldflags "-s -w" -o "$DOCKER_CONFIG/cli-plugins/docker-compose" github.com/docker/compose/v2/cmd
	fi
	docker compose version >&2
fi

# ---- the bases
if [ -n "$own" ]; then
	debian=$(sed -n 's/^FROM \(debian:[^ ]*\).*/\1/p' docker/Dockerfile | sort -u)
	golang=$(sed -n 's/^FROM \(golang:[^ ]*\).*/\1/p' docker/Dockerfile | sort -u)
	there() { docker image inspect "$1" >/dev/null 2>&1 || timeout 120 docker pull -q "$1" >/dev/null 2>&1; }

	if ! there "$debian"; then
		suite=${debian#debian:}
		suite=${suite%-slim}
		say "making $debian"
		root=$folder/root
		rm -rf "$root"
		debian_root "$suite" "$root"
		tar -C "$root" -c . | docker import -c 'CMD ["bash"]' - "$debian" >/dev/null
		rm -rf "$root"
	fi
	if ! there "$golang"; then
		say "making $golang"
		mkdir -p "$folder/go"
		cat >"$folder/go/Dockerfile" <<-END
			FROM $debian
			RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates
			COPY . /usr/local/go
			ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOPATH=/go GOTOOLCHAIN=local
		END
		DOCKER_BUILDKIT=0 docker build -q -t "$golang" -f "$folder/go/Dockerfile" "$(go env GOROOT)" >/dev/null 2>"$folder/golang.log" ||
			{ tail -5 "$folder/golang.log" >&2 && exit 1; }
	fi
fi

"$@"
