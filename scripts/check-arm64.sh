#!/usr/bin/env bash
# Builds the kernels and the portable engine for arm64 and for this machine by the toolchain's Embedded Swift, runs
# both (arm64's under qemu, as a processor without dot products of bytes, one with SDOT and one with USDOT), and
# compares them: integer kernels bit for bit, the scores of a whole network within 1e-5, as instruction sets differ
# among themselves.
#
# Needs qemu-aarch64, aarch64-linux-gnu-gcc with its C library, and python3 (Debian: qemu-user,
# gcc-aarch64-linux-gnu, libc6-dev-arm64-cross).
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in qemu-aarch64 aarch64-linux-gnu-gcc python3; do
    command -v "$tool" >/dev/null || { echo "check-arm64: needs $tool; left out" >&2; exit 77; }
done
tools=$(dirname "$(realpath "$(command -v swiftc)")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile TARGET NAME FILE...: a module and its object file, for the instruction set that $flags asks for.
flags=()
compile() {
    local target=$1 name=$2 build=$work/$1
    shift 2
    "$tools/swiftc" -target "$target" -enable-experimental-feature Embedded -enable-experimental-feature Extern \
        -enable-upcoming-feature ExistentialAny -swift-version 6 -parse-as-library -wmo -O \
        -Xfrontend -disable-stack-protector -ISources/CPUFeatures/include -ISources/VectorOperations/include \
        -ISources/WebPage/Module/include -I"$build" -package-name cartoonctl -module-name "$name" "${flags[@]}" \
        -emit-module -emit-module-path "$build/$name.swiftmodule" -emit-object -o "$build/$name.o" "$@"
}

# engine TARGET COMPILER...: the program $work/TARGET/engine.
engine() {
    local target=$1
    shift
    mkdir "$work/$target"
    compile "$target" Kernels Sources/Kernels/*.swift
    # All kernels but those that call the C library, which Embedded Swift does not import.
    compile "$target" KernelsBaseline $(ls Sources/KernelsBaseline/*.swift | grep -v ElementwiseKernel)
    case $target in aarch64*)
        flags=(-Xcc -march=armv8.2-a+dotprod)
        compile "$target" KernelsNEONDotprod Sources/KernelsNEONDotprod/*.swift
        flags=(-Xcc -march=armv8.2-a+dotprod+i8mm)
        compile "$target" KernelsNEONI8MM Sources/KernelsNEONI8MM/*.swift
        flags=() ;;
    esac
    compile "$target" PortableProgram Sources/PortableProgram/*.swift
    compile "$target" WebEngine Sources/Imaging/Resize/{InputResizer,LegacyBilinear,TriangleFilter}.swift \
        Sources/Imaging/Placement.swift Sources/WebPage/Module/*.swift
    compile "$target" KernelTrace scripts/arm64/kernels.swift
    "$@" -O2 -static -fuse-ld=lld -Wl,--gc-sections -ISources/CPUFeatures/include scripts/arm64/engine.c \
        "$work/$target"/*.o "$tools/../lib/swift/embedded/$target/libswiftUnicodeDataTables.a" -lm \
        -o "$work/$target/engine"
}

engine aarch64-none-none-elf aarch64-linux-gnu-gcc -B"$tools"
engine "$(uname -m)-unknown-linux-gnu" "$tools/clang"

# A model of the default network as a page, and the program in it.
cartoonctl=${CARTOONCTL:-.build/release/cartoonctl}
[[ -x $cartoonctl ]] || swift build -c release --product cartoonctl
"$cartoonctl" retrain --image_dir Fixtures/characters --bottleneck_dir "$work/cache" --quiet \
    --output_graph "$work/model.pb" --output_labels "$work/model.txt" >/dev/null
"$cartoonctl" export "$work/model.pb" --format html --output "$work/model.html" >/dev/null
python3 - "$work" <<'PYTHON'
import re, sys, zlib
page = open(sys.argv[1] + "/model.html").read()
model = re.search(r'id="model">([^<]*)<', page).group(1)
# Two characters hold 13 bits, one at the end 6.
digits = [ord(c) - (36 if c > "<" else 35) for c in model]
pairs = [91 * a + b for a, b in zip(digits[::2], digits[1::2])]
bits = "".join(format(n, "013b")[::-1] for n in pairs) + (format(digits[-1], "06b")[::-1] if len(digits) % 2 else "")
bytes_ = bytes(int(bits[i:i + 8][::-1], 2) for i in range(0, len(bits) - 7, 8))
open(sys.argv[1] + "/program", "wb").write(zlib.decompress(bytes_))
PYTHON

"$work/$(uname -m)-unknown-linux-gnu/engine" "$work/program" 300 200 >"$work/here" 2>/dev/null
while read -r processor set; do
    qemu-aarch64 -cpu "$processor" "$work/aarch64-none-none-elf/engine" "$work/program" 300 200 \
        >"$work/arm64" 2>"$work/set"
    echo "$processor: $(cat "$work/set")"
    [[ $(cat "$work/set") == "$set" ]] || { echo "check-arm64: $processor has $set" >&2; exit 1; }
    paste -d ' ' "$work/arm64" "$work/here"
    awk 'NR == FNR { seen[FNR] = $0; lines = FNR; next }
        $1 == "hash" && seen[FNR] != $0 { print "check-arm64: " $2 " differs"; bad = 1 }
        $1 != "hash" { split(seen[FNR], a, " "); d = a[2] - $2; if (d > 1e-5 || d < -1e-5) { print "check-arm64: a score differs"; bad = 1 } }
        END { if (FNR != lines || lines < 13) { print "check-arm64: " lines " and " FNR " lines"; bad = 1 } exit bad }' \
        "$work/arm64" "$work/here"
done <<'PROCESSORS'
cortex-a53 baseline
cortex-a76 neondotprod
max neoni8mm
PROCESSORS
echo "arm64 computes what this machine computes"
