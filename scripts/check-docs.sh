#!/usr/bin/env bash
# Compiles the documentation against the library's symbols; warnings are errors. Needs a finished release build.
#
# usage: check-docs.sh [SCRATCH-PATH]
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=${1:-.build}
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT
module=TransferLearning
headers=()
for map in "$scratch"/release/*.build/module.modulemap; do headers+=(-Xcc "-fmodule-map-file=$map"); done
swift symbolgraph-extract -module-name $module -I "$scratch/release/Modules" "${headers[@]}" \
    -target "$(swift -print-target-info | awk -F'"' '/"triple"/ { print $4; exit }')" \
    -minimum-access-level public -output-dir "$output"
"$(dirname "$(command -v swift)")/docc" convert Sources/$module/$module.docc --output-path "$output/archive" \
    --additional-symbol-graph-dir "$output" --fallback-display-name $module \
    --fallback-bundle-identifier org.cartoonctl.$module --warnings-as-errors
echo "documentation: no warnings"
