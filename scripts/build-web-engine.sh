#!/usr/bin/env bash
# Builds Sources/WebPage/engine.wasm, the engine of `export --format html`, from the same Swift sources as the program, with nothing but
# Swift's toolchain. Its bytes depend on the sources and the toolchain alone.
#
#   scripts/build-web-engine.sh           writes the module
#   scripts/build-web-engine.sh --check   fails where the module in the sources is another
set -euo pipefail
cd "$(dirname "$0")/../Sources"
module=WebPage/engine.wasm
# The tools beside the compiler, wherever a link to it lies.
tools=${SWIFT_TOOLS:-$(dirname "$(realpath "$(command -v swiftc)")")}
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

# compile NAME FILE...: a module and its object file, for later ones to import.
compile() {
    local name=$1
    shift
    "$tools/swiftc" -target wasm32-unknown-none-wasm -enable-experimental-feature Embedded \
        -enable-upcoming-feature ExistentialAny -swift-version 6 -parse-as-library -wmo -O -Xfrontend -disable-stack-protector \
        -Xfrontend -disable-incremental-llvm-codegen \
        -Xcc -msimd128 -Xcc -mbulk-memory -Xcc -IWebPage/Module/include -IWebPage/Module/include -I"$build" \
        -package-name cartoonctl -module-name "$name" -emit-module -emit-module-path "$build/$name.swiftmodule" \
        -emit-object -o "$build/$name.o" "$@"
}

kernels=()
for part in Vector VectorAccess VectorFunctions RegisterTile ConvolutionKernel DepthwiseKernel PoolingKernel \
    PointwiseKernel NormalizationKernel RowNormalizationKernel; do
    kernels+=("KernelsBaseline/$part.swift")
done
compile Kernels Kernels/*.swift
compile KernelsBaseline "${kernels[@]}"
compile PortableProgram PortableProgram/*.swift
compile WebEngine Imaging/Resize/*.swift Imaging/Placement.swift WebPage/Module/*.swift
"$tools/clang" --target=wasm32-unknown-none-wasm -O2 -mbulk-memory -fno-builtin \
    -IWebPage/Module/include -c WebPage/Module/runtime.c -o "$build/runtime.o"

exports=()
for name in allocate open labels knows_strangers picture run familiarity fingerprint; do exports+=("--export=engine_$name"); done
# Sixteen mebibytes are memory to begin with; the module asks for more.
"$tools/wasm-ld" --no-entry --gc-sections --strip-all --initial-memory=16777216 \
    -z stack-size=262144 "${exports[@]}" "$build"/{Kernels,KernelsBaseline,PortableProgram,WebEngine,runtime}.o \
    -o "$build/engine.wasm"

if [[ ${1:-} == --check ]]; then
    cmp "$build/engine.wasm" "$module" \
        || { echo "$module is not what the sources make; run scripts/build-web-engine.sh" >&2; exit 1; }
    echo "$module is what the sources make"
else
    cp "$build/engine.wasm" "$module"
    ls -l "$module"
fi
