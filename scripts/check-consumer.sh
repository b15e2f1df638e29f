#!/usr/bin/env bash
# Builds and runs the program in scripts/consumer, which depends on the library as a stranger's program would.
#
#   scripts/check-consumer.sh          by path
#   scripts/check-consumer.sh --tag    by the version tag of a temporary clone, as SwiftPM fetches it
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [[ ${1:-} == --tag ]]; then
    version=$(sed -n 's/.*static let version = "\(.*\)"/\1/p' "$root/Sources/TransferLearning/Tool.swift")
    git clone -q "$root" "$work/cartoonctl"
    git -C "$work/cartoonctl" tag -f "$version" >/dev/null
    cp -R "$root/scripts/consumer" "$work/consumer"
    export CARTOONCTL_REPOSITORY="file://$work/cartoonctl"
    package=$work/consumer
else
    package=$root/scripts/consumer
fi
swift build -c release --package-path "$package" --scratch-path "$work/build"
picture=$(find "$root/Fixtures/holdout" -name '*.jpg' | sort | head -n 1)
"$work/build/release/consumer" "$root/Fixtures/characters" "$work/model.pb" "$picture" | tee "$work/out"

# The three ways to give the picture make one answer, and cancelling the task ends a training.
[[ $(grep -cF "$(sed -n 's/, from decoded pixels//p' "$work/out")" "$work/out") -ge 2 ]]
grep -qx cancelled "$work/out"
[[ -s $work/model.txt ]]
