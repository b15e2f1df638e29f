#!/usr/bin/env python3
"""Times networks in cartoonctl's engine, ONNX Runtime and OpenVINO, in turns, and prints a table.

    swift build -c release --product benchmark
    python3 scripts/compare_engines.py net.onnx other.onnx --sets avx2 avx512vnni --threads 1 2

One command: where the packages are missing, a virtual environment is made (outside the project, --venv) and the
script starts itself again in it. Each network is an ONNX file with one image as input, [n, 3, height, width].

Every engine runs in a process of its own, one after another, --rounds times, so that a machine that others use
slows all of them alike; the figures are medians over the rounds of each run's shortest call, and ratios are those
of the medians. With --minutes, a row has fewer rounds, at least one, where they take longer than its share.

The peers' int8 networks are made by ONNX Runtime's quantization tool (QDQ, weights per channel, calibrated on noise,
so that they are good for timing only); OpenVINO runs the same file. OpenVINO is kept to a set's instructions by
ONEDNN_MAX_CPU_ISA; ONNX Runtime cannot be kept to any.

The floor is the time of the network's multiply-adds at the rate that the set's instruction reaches in registers,
which a small C program measures (with `cc`, or the compiler in CC); it is left out where there is no compiler.
Convolutions by Winograd's algorithm multiply less often, so that a time may lie below it.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

import environment

PACKAGES = ["onnx>=1.16,<2", "onnxruntime>=1.18,<2", "openvino>=2024.4", "numpy>=1.26"]
ISA = {"avx2": "AVX2", "avxvnni": "AVX2_VNNI", "avx512": "AVX512_CORE", "avx512vnni": "AVX512_CORE_VNNI"}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--program", default=".build/release/benchmark")
parser.add_argument("--sets", nargs="+", default=["avx2", "avx512vnni"], choices=list(ISA))
parser.add_argument("--precisions", nargs="+", default=["fp32", "int8"], choices=["fp32", "int8"])
parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--minutes", type=float, default=float("inf"))
parser.add_argument("--venv", default=os.path.expanduser("~/.cache/cartoonctl/engines"))
parser.add_argument("--peer", nargs=2, help=argparse.SUPPRESS)  # this script as a peer: NAME THREADS
parser.add_argument("networks", nargs="+")
arguments = parser.parse_args()

try:
    import numpy as np, onnx, onnxruntime, openvino
except ImportError as error:
    environment.restart(arguments.venv, PACKAGES, error)


def milliseconds(run, count=15):
    """The shortest time of a call."""
    times = []
    for number in range(count + 2):
        begin = time.perf_counter()
        run()
        if number >= 2:
            times.append(1e3 * (time.perf_counter() - begin))
    return min(times)


def image(network):
    tensor = network.graph.input[0]
    shape = [d.dim_value or 1 for d in tensor.type.tensor_type.shape.dim]
    return tensor.name, np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def peer(name, path, threads):
    """Times a network in another engine, in this process."""
    key, pixels = image(onnx.load(path))
    if name == "ONNX Runtime":
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return milliseconds(lambda: session.run(None, {key: pixels}))
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": str(threads), "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()
    return milliseconds(lambda: request.infer({0: pixels}))


if arguments.peer:
    print(peer(arguments.peer[0], arguments.networks[0], int(arguments.peer[1])))
    sys.exit()


def quantized(path, folder):
    """Makes the peers' int8 network."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    key, pixels = image(onnx.load(path))

    class Noise(CalibrationDataReader):
        images = [pixels, -pixels]

        def get_next(self):
            return {key: self.images.pop()} if self.images else None

    result = os.path.join(folder, "int8." + os.path.basename(path))
    quantize_static(path, result, Noise(), quant_format=QuantFormat.QDQ, per_channel=True)
    return result


PEAK = r"""
#include <immintrin.h>
#include <stdio.h>
#include <time.h>
#define STEP(n, sum) s##n = sum(s##n); __asm__ volatile("" : "+x"(s##n), "+x"(x));
#define EACH(f) STEP(0, f) STEP(1, f) STEP(2, f) STEP(3, f) STEP(4, f) STEP(5, f) \
    STEP(6, f) STEP(7, f) STEP(8, f) STEP(9, f) STEP(10, f) STEP(11, f)
#define LOOP(name, attributes, type, zero, sum, lanes) \
    __attribute__((noinline, target(attributes))) static double name(void) { \
        type x = zero, s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x, s6 = x, s7 = x, s8 = x, s9 = x, s10 = x, s11 = x; \
        double best = 1e9; \
        for (int r = 0; r < 200; r++) { \
            struct timespec a, b; clock_gettime(CLOCK_MONOTONIC, &a); \
            for (int k = 0; k < 20000; k++) { EACH(sum) } \
            clock_gettime(CLOCK_MONOTONIC, &b); \
            double t = (b.tv_sec - a.tv_sec) + 1e-9 * (b.tv_nsec - a.tv_nsec); if (t < best) best = t; } \
        return 20000.0 * 12 * lanes / best * 1e-9; }
#define FMA256(s) _mm256_fmadd_ps(x, x, s)
#define FMA512(s) _mm512_fmadd_ps(x, x, s)
#define PAIRS256(s) _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(x, x), x))
#define DOT256(s) _mm256_dpbusd_avx_epi32(s, x, x)
#define DOT512(s) _mm512_dpbusd_epi32(s, x, x)
LOOP(fp32_avx2, "avx2,fma", __m256, _mm256_setzero_ps(), FMA256, 8)
LOOP(int8_avx2, "avx2", __m256i, _mm256_setzero_si256(), PAIRS256, 32)
LOOP(int8_avxvnni, "avx2,avxvnni", __m256i, _mm256_setzero_si256(), DOT256, 32)
LOOP(fp32_avx512, "avx512f", __m512, _mm512_setzero_ps(), FMA512, 16)
LOOP(int8_avx512vnni, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(), DOT512, 64)
int main(int n, char **v) {
    if (!SUPPORTED) return 1;
    printf("%f\n", FUNCTION());
}
"""


def peak(set_name, precision, folder):
    """Returns the multiply-adds a second, in billions, that a set's instruction reaches in registers, or None."""
    wide = set_name.startswith("avx512")
    if precision == "int8" and set_name == "avx512":
        return None
    function = f"int8_{set_name}" if precision == "int8" else "fp32_avx512" if wide else "fp32_avx2"
    feature = {"avx512vnni": "avx512vnni", "avx512": "avx512f"}.get(set_name, "avx2")
    source, program = os.path.join(folder, "peak.c"), os.path.join(folder, "peak." + function)
    with open(source, "w") as file:
        file.write(PEAK)
    flags = [f"-DFUNCTION={function}", f'-DSUPPORTED=__builtin_cpu_supports("{feature}")']
    try:
        subprocess.run([os.environ.get("CC", "cc"), "-O3", *flags, source, "-o", program], check=True,
                       capture_output=True)
        return float(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def ours(path, precision, set_name, threads):
    """Returns the time and the multiply-adds in 10⁹, or None where the benchmark refuses the answer, which it checks."""
    command = [arguments.program, "forward", path, "--precision", precision, "--set", set_name,
               "--threads", str(threads)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        print(f"{os.path.basename(path)}: {run.stderr.strip()}", file=sys.stderr)
        return None
    result = json.loads(run.stdout.splitlines()[-1])
    return result["shortest_milliseconds"], result["gflops"] * result["milliseconds"] / 2e3


def theirs(name, path, set_name, threads):
    command = [sys.executable, __file__, "--peer", name, str(threads), path]
    variables = dict(os.environ, ONEDNN_MAX_CPU_ISA=ISA[set_name])
    result = subprocess.run(command, env=variables, check=True, capture_output=True, text=True)
    return float(result.stdout.splitlines()[-1])


def numbers(values):
    return "–" if not values else f"{statistics.median(values):.3g}"


print("| network | set | precision | threads | cartoonctl, ms | ONNX Runtime | OpenVINO | ratio to the better "
      "| multiply–adds, 10⁹ | weights, MB | floor, ms | times the floor |")
print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
begin, rows = time.monotonic(), 0
share = 60 * arguments.minutes / (
    len(arguments.networks) * len(arguments.sets) * len(arguments.precisions) * len(arguments.threads))
with tempfile.TemporaryDirectory() as folder:
    for path in arguments.networks:
        network = onnx.load(path)
        weights = sum(int(np.prod(t.dims)) for t in network.graph.initializer) * 4e-6
        paths = {"fp32": path}
        if "int8" in arguments.precisions:
            paths["int8"] = quantized(path, folder)
        for set_name in arguments.sets:
            for precision in arguments.precisions:
                rate = peak(set_name, precision, folder)
                for threads in arguments.threads:
                    mine, work, rows = [], 0, rows + 1
                    peers = {"ONNX Runtime": [], "OpenVINO": []}
                    for _ in range(arguments.rounds):
                        if mine and time.monotonic() - begin > share * rows:
                            break
                        result = ours(path, precision, set_name, threads)
                        if result is None:
                            break
                        mine.append(result[0])
                        work = result[1]
                        for name, times in peers.items():
                            times.append(theirs(name, paths[precision], set_name, threads))
                    if not mine:
                        continue
                    best = min(statistics.median(times) for times in peers.values())
                    floor = work / rate * 1e3 / threads if rate else None
                    median = statistics.median(mine)
                    print(
                        f"| {os.path.basename(path)} | {set_name} | {precision} | {threads} | {numbers(mine)} "
                        f"| {numbers(peers['ONNX Runtime'])} | {numbers(peers['OpenVINO'])} | {median / best:.2f} "
                        f"| {work:.3g} | {weights / (4 if precision == 'int8' else 1):.3g} "
                        f"| {f'{floor:.3g} | {median / floor:.2f}' if floor else '– | –'} |",
                        flush=True,
                    )
