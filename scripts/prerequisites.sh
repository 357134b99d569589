#!/usr/bin/env bash
# Checks what the system needs besides Go and make: Java 17 or later and Maven to run it, a Chromium and Python to test it.
# As root on Debian it installs what is missing; elsewhere it says what to install.
#
#   scripts/prerequisites.sh run|test
set -euo pipefail

java_version() { # the major version, or 0
  { "${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 || true; } | sed -n 's/.* version "\([0-9]*\).*/\1/p;q' | grep . || echo 0
}

browser() {
  for name in "${CHROME:-chromium}" chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && return 0
  done
  return 1
}

python() { # with what makes a virtual environment
  python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

missing=() packages=()
[ "$(java_version)" -ge 17 ] || { missing+=("Java 17 or later"); packages+=(openjdk-17-jre-headless); }
command -v mvn >/dev/null || { missing+=("Maven"); packages+=(maven); }
if [ "${1:-run}" = test ]; then
  browser || { missing+=("Chromium"); packages+=(chromium); }
  python || { missing+=("Python 3.11 or later with venv"); packages+=(python3 python3-venv); }
fi
[ ${#missing[@]} -gt 0 ] || exit 0

names=$(IFS=,; echo "${missing[*]}" | sed 's/,/, /g')
if [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then
  echo "Missing: $names. Installing ${packages[*]} with apt-get."
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
else
  echo "Missing: $names. Please install it (on Debian: sudo apt-get install ${packages[*]}) and try again." >&2
  exit 1
fi
