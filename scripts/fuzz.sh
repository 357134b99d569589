#!/usr/bin/env bash
# Fuzzes every target of the tree, one after the other, each for the time given as go test -fuzztime takes it:
#
#   scripts/fuzz.sh 10s
#
# An input that fails is written to the package's testdata/fuzz, where go test runs it from then on: commit it with what mends it.
# Interesting inputs that do not fail stay in Go's own cache.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:?how long each target is fuzzed, such as 10s}

said=$(mktemp)
trap 'rm -f "$said"' EXIT

# ended tells whether a failure is none of the target's: a worker of Go's that is at work when the time is over may be reported as
# "context deadline exceeded". An input that fails is always named.
ended() { grep -qx ' *context deadline exceeded' "$said" && ! grep -q 'Failing input written' "$said"; }

failed=() count=0
while IFS=: read -r file target; do
	printf '== %s %s\n' "${file%/*}" "$target"
	# The seeds and the kept corpus come first, then what the fuzzer makes of them.
	if go test -vet=off -run "^$target\$" -fuzz "^$target\$" -fuzztime "$time" "./${file%/*}" >"$said" 2>&1; then
		tail -n 1 "$said"
	elif ended; then
		echo "nothing found when the time was over"
	else
		cat "$said"
		failed+=("${file%/*} $target")
	fi
	count=$((count + 1))
done < <(git grep -Eo --untracked '^func Fuzz\w+' -- '*_test.go' | sed 's/:func /:/' | sort)

[ "$count" -gt 0 ] || { echo "fuzz: the tree has no target" >&2 && exit 1; }
if [ ${#failed[@]} -gt 0 ]; then
	printf 'FAIL %s\n' "${failed[@]}" >&2
	exit 1
fi
echo "$count targets, $time each: nothing found"
