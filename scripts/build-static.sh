#!/usr/bin/env bash
# Builds cartoonctl as one file that runs where no Swift is installed, and proves that it does.
#
#   scripts/build-static.sh [OUTPUT]      default: .build/static/cartoonctl
#
# Linux: Swift's libraries are linked in, the C library stays shared. Where the toolchain has the static Linux SDK
# ('swift sdk list'), MUSL=1 links that in too.
set -euo pipefail
cd "$(dirname "$0")/.."
output=${1:-.build/static/cartoonctl}
scratch=.build/static-build

options=(-c release --product cartoonctl --scratch-path "$scratch")
if [[ ${MUSL:-0} == 1 ]]; then
    sdk=$(swift sdk list 2>/dev/null | grep -m1 static-linux) || { echo "build-static: no static Linux SDK; see 'swift sdk list'" >&2; exit 1; }
    options+=(--swift-sdk "$sdk")
else
    options+=(--static-swift-stdlib)
fi
export CARTOONCTL_COMMIT=${CARTOONCTL_COMMIT-$(git rev-parse --short=9 HEAD 2>/dev/null || true)}
swift build "${options[@]}"
mkdir -p "$(dirname "$output")"
cp "$(swift build "${options[@]}" --show-bin-path)/cartoonctl" "$output"
strip "$output"

# 1. It asks for the system's libraries only.
libraries=$(ldd "$output" 2>/dev/null || true)
if grep -Ei 'swift|foundation|not found' <<<"$libraries"; then
    echo "build-static: $output still needs the libraries above" >&2
    exit 1
fi

# 2. A copy alone in an empty folder, with no environment, runs: as root in a root of its own that holds nothing but the
# copy and those libraries, otherwise where it lies.
alone=$(mktemp -d)
trap 'rm -rf "$alone"' EXIT
cp "$output" "$alone/cartoonctl"
if [[ $(id -u) == 0 ]] && chroot / true 2>/dev/null; then
    for library in $(grep -o '/[^ ]*' <<<"$libraries" || true); do
        mkdir -p "$alone$(dirname "$library")"
        cp -L "$library" "$alone$library"
    done
    run=("$(command -v env)" -i "$(command -v chroot)" "$alone" /cartoonctl)
    place="a root with nothing but $(find "$alone" -name '*.so*' | wc -l) system libraries"
else
    run=(env -i "$alone/cartoonctl")
    place="an empty folder"
fi
# Swift reads arguments from /proc, which such a root does not have: it answers with its help there.
(cd "$alone" && "${run[@]}" 2>&1 || true) | grep -q 'cartoonctl retrain' || { echo "build-static: the copy does not run in $place" >&2; exit 1; }
version=$("$alone/cartoonctl" --version)

# 3. How large, and how long until it has answered.
runs=20
start=$(date +%s%N)
for ((i = 0; i < runs; i++)); do "$output" --version >/dev/null; done
each=$((($(date +%s%N) - start) / runs / 10000))
printf '%s: %s, %.1f MB, starts in %d.%02d ms, runs in %s\n' \
    "$output" "$version" "$(($(stat -c %s "$output" 2>/dev/null || stat -f %z "$output") / 10000))e-2" $((each / 100)) $((each % 100)) "$place"
