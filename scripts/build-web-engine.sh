#!/usr/bin/env bash
# Builds Sources/WebPage/engine.wasm, the engine of `export --format html`, from the same Swift sources as the program, with nothing but
# Swift's toolchain; engine-relaxed.wasm, which multiplies and adds by one instruction of relaxed SIMD, for browsers that know it; and
# the same without SIMD for a test, since the toolchain's wasmkit knows none. Their bytes depend on the sources and the toolchain alone.
#
#   scripts/build-web-engine.sh           writes the modules
#   scripts/build-web-engine.sh --check   fails where a module in the tree is another
set -euo pipefail
cd "$(dirname "$0")/../Sources"
# The tools beside the compiler, wherever a link to it lies.
tools=$(dirname "$(realpath "$(command -v swiftc)")")
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

# compile NAME FILE...: a module and its object file, for later ones to import.
compile() {
    local name=$1
    shift
    "$tools/swiftc" -target wasm32-unknown-none-wasm -enable-experimental-feature Embedded \
        -enable-upcoming-feature ExistentialAny -swift-version 6 -parse-as-library -wmo -O \
        -Xfrontend -disable-stack-protector -Xfrontend -disable-incremental-llvm-codegen "${simd[@]}" \
        -Xcc -mbulk-memory -Xcc -IWebPage/Module/include -IWebPage/Module/include -I"$build" \
        -package-name cartoonctl -module-name "$name" -emit-module -emit-module-path "$build/$name.swiftmodule" \
        -emit-object -o "$build/$name.o" "$@"
}

# make OUTPUT: the whole engine.
make() {
    local kernels=() exports=()
    for part in Vector VectorAccess VectorFunctions RegisterTile ConvolutionKernel DepthwiseKernel PoolingKernel \
        PointwiseKernel NormalizationKernel RowNormalizationKernel ElementwiseFunctions ElementwiseKernel; do
        kernels+=("KernelsBaseline/$part.swift")
    done
    compile Kernels Kernels/*.swift
    compile KernelsBaseline "${kernels[@]}"
    compile PortableProgram PortableProgram/*.swift
    compile WebEngine Imaging/Resize/{InputResizer,LegacyBilinear,TriangleFilter}.swift Imaging/Placement.swift \
        WebPage/Module/*.swift
    "$tools/clang" --target=wasm32-unknown-none-wasm -O2 -mbulk-memory -fno-builtin -IWebPage/Module/include \
        -c WebPage/Module/runtime.c -o "$build/runtime.o"
    for name in allocate open labels knows_strangers picture run familiarity fingerprint; do
        exports+=("--export=engine_$name")
    done
    # Sixteen mebibytes are memory to begin with; the module asks for more.
    "$tools/wasm-ld" --no-entry --gc-sections --strip-all --initial-memory=16777216 -z stack-size=262144 \
        "${exports[@]}" "$build"/{Kernels,KernelsBaseline,PortableProgram,WebEngine,runtime}.o -o "$1"
}

# module FILE: built anew, and written or compared. The compiler's optimizer is not wholly deterministic: once in dozens of
# builds a function's code is another. So a module that differs is built again, twice, before it is called wrong.
module() {
    make "$build/engine.wasm"
    if [[ $mode == --check ]]; then
        for attempt in 1 2 3; do
            cmp "$build/engine.wasm" "$1" && { echo "$1 is what the sources make"; return; }
            [[ $attempt == 3 ]] || make "$build/engine.wasm"
        done
        echo "$1 is not what the sources make; run scripts/build-web-engine.sh" >&2
        exit 1
    else
        cp "$build/engine.wasm" "$1"
        ls -l "$1"
    fi
}

mode=${1:-}
simd=(-Xcc -msimd128)
module WebPage/engine.wasm
simd=(-Xcc -mrelaxed-simd -DRELAXED_SIMD)
module WebPage/engine-relaxed.wasm
simd=()
module ../Tests/TransferLearningTests/engine-scalar.wasm
