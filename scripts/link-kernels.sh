#!/bin/sh
# Makes the symbolic links by which each kernel target compiles the files of Sources/KernelSources for its own
# instruction set; with --check it only compares, and fails if a link is missing, wrong or left over.
set -eu
cd "$(dirname "$0")/../Sources"

# Prints "target/file -> destination" for every link.
links() {
    for target in KernelsBaseline KernelsAVX2 KernelsAVX512; do
        for file in KernelSources/*.swift; do
            echo "$target/${file#*/} -> ../$file"
        done
    done
    # These add products of small numbers to another set and need only what those use.
    for target in KernelsAVXVNNI KernelsAVX512VNNI KernelsAVX512BF16 KernelsNEONDotprod KernelsNEONI8MM; do
        names="Vector DotProducts"
        case $target in
        KernelsAVXVNNI) set=KernelsAVX2 names="$names ByteDepthwise" ;;
        KernelsNEON*) set=KernelsBaseline ;;
        *) set=KernelsAVX512 ;;
        esac
        for name in StorageAccess LowPrecisionGEMM LowPrecisionTile RegisterTile VectorAccess; do
            echo "$target/$name.swift -> ../KernelSources/$name.swift"
        done
        for name in $names; do
            echo "$target/$name.swift -> ../$set/$name.swift"
        done
    done
    echo "KernelsNEONI8MM/ByteDepthwise.swift -> ../KernelsNEONDotprod/ByteDepthwise.swift"
}

# Prints the links that are there, in the same form.
present() {
    find Kernels* -type l | while read -r link; do echo "$link -> $(readlink "$link")"; done
}

wanted=$(links | LC_ALL=C sort) found=$(present | LC_ALL=C sort)
[ "$wanted" != "$found" ] || exit 0
if [ "${1-}" = --check ]; then
    echo "Sources/Kernels*: the links are not those that scripts/link-kernels.sh makes; run it" >&2
    exit 1
fi
find Kernels* -type l -delete
links | while read -r link _ destination; do ln -s "$destination" "$link"; done
