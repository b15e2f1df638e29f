#!/usr/bin/env python3
"""Checks 'cartoonctl export --format coreml' without a Mac: coremltools loads the package, and numpy runs its program.

    python3 scripts/check_coreml.py --graph cartoon.pb cartoon_test

coremltools' parser makes a MIL program of the package, which validates every operation, shape and type. Each operation is then computed by
numpy as coremltools documents it, on the pictures resized to the network's size, and the probabilities are compared with those of
'cartoonctl classify' for the same pixels: once with the package's half-precision weights, which must agree within --tolerance, and once with
every half-precision result rounded too, as on a phone, which is told. Exit code 1: a difference. Needs coremltools, numpy and pillow.
"""
import argparse, glob, json, os, subprocess, sys, tempfile

import numpy as np
from PIL import Image

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--program", default=".build/release/cartoonctl")
parser.add_argument("--graph", required=True, help="a model of retrain's")
parser.add_argument("--weights", default="float", choices=["float", "int8"])
parser.add_argument("--count", type=int, default=10, help="pictures to look at")
parser.add_argument("--tolerance", type=float, default=1e-3)
parser.add_argument("pictures", nargs="+", help="pictures, or folders of them")
arguments = parser.parse_args()

import coremltools
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.converters.mil.mil import types


def windows(x, size, strides, pad, fill):
    """[N, C, H, W] -> [N, C, P, Q, size...]"""
    x = np.pad(x, ((0, 0), (0, 0), (pad[0], pad[1]), (pad[2], pad[3])), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(x, tuple(size), axis=(2, 3))
    return view[:, :, :: strides[0], :: strides[1]]


def convolve(x, weight, groups, strides, pad, bias):
    view = windows(x, weight.shape[2:], strides, pad, 0)
    if groups == 1:
        height, width = view.shape[2:4]
        columns = view.transpose(0, 2, 3, 1, 4, 5).reshape(height * width, -1)
        y = (columns @ weight.reshape(len(weight), -1).T).T.reshape(1, -1, height, width)
    else:
        multiplier = len(weight) // groups
        shaped = weight.reshape(groups, multiplier, *weight.shape[2:])
        y = np.einsum("nchwij,cmij->ncmhw", view, shaped, optimize=True).reshape(1, len(weight), *view.shape[2:4])
    return y if bias is None else y + bias.reshape(1, -1, 1, 1)


def normalize(x, size, alpha, beta, k):
    squares = np.pad(x * x, ((0, 0), (size // 2, size // 2), (0, 0), (0, 0)))
    sums = np.lib.stride_tricks.sliding_window_view(squares, size, axis=1).sum(-1)
    return x / (k + alpha / size * sums) ** beta


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def compute(op, i):
    """The result of one operation; i holds its operands by name."""
    kind, x = op.op_type, i.get("x")
    pad = i.get("pad") if i.get("pad_type") == "custom" else [0] * 4
    if kind == "conv":
        return convolve(x, i["weight"], int(i["groups"]), i["strides"], pad, i.get("bias"))
    if kind == "max_pool":
        return windows(x, i["kernel_sizes"], i["strides"], pad, -np.inf).max((4, 5))
    if kind == "avg_pool":
        assert i["exclude_padding_from_average"]
        inside = windows(np.ones_like(x[:, :1]), i["kernel_sizes"], i["strides"], pad, 0).sum((4, 5))
        return windows(x, i["kernel_sizes"], i["strides"], pad, 0).sum((4, 5)) / inside
    if kind == "linear":
        return x @ i["weight"].T + (i["bias"] if "bias" in i else 0)
    if kind == "local_response_norm":
        return normalize(x, int(i["size"]), i["alpha"], i["beta"], i["k"])
    if kind in ("reduce_mean", "reduce_max"):
        reduce = np.mean if kind == "reduce_mean" else np.max
        return reduce(x, axis=tuple(i["axes"]), keepdims=bool(i["keep_dims"]))
    if kind == "pad":
        edges = np.array(i["pad"]).reshape(-1, 2)
        return np.pad(x, [(0, 0)] * (x.ndim - len(edges)) + [tuple(e) for e in edges])
    return {
        "add": lambda: x + i["y"], "sub": lambda: x - i["y"], "mul": lambda: x * i["y"],
        "real_div": lambda: x / i["y"], "relu": lambda: np.maximum(x, 0), "relu6": lambda: np.clip(x, 0, 6),
        "sqrt": lambda: np.sqrt(x), "square": lambda: x * x, "softmax": lambda: softmax(x, int(i["axis"])),
        "concat": lambda: np.concatenate(i["values"], axis=int(i["axis"])), "cast": lambda: x, "identity": lambda: x,
        "reshape": lambda: x.reshape(i["shape"]), "transpose": lambda: x.transpose(i["perm"]),
    }[kind]()


class Program:
    def __init__(self, path):
        spec = coremltools.models.MLModel(path, skip_model_load=True).get_spec()
        folder = os.path.join(path, "Data", "com.apple.CoreML", "weights")
        program = load(spec, specification_version=spec.specificationVersion, file_weights_dir=folder)
        self.function, self.constants = program.functions["main"], {}
        self.image = spec.description.input[0].type.imageType

    def constant(self, variable):
        if variable.name not in self.constants:
            value = variable.val if variable.val is not None else variable.op.materialized_val_inference()
            half = isinstance(value, np.float16) or getattr(value, "dtype", None) == np.float16
            self.constants[variable.name] = value.astype(np.float32) if half else value
        return self.constants[variable.name]

    def run(self, pixels, rounds):
        values = {next(iter(self.function.inputs.values())).name: pixels.astype(np.float32)}

        def value(variable):
            return values[variable.name] if variable.name in values else self.constant(variable)

        for op in self.function.operations:
            if op.op_type == "const" or op.op_type.startswith("constexpr"):
                continue
            if op.op_type == "classify":
                labels = [getattr(label, "val", label) for label in op.inputs["classes"].val]
                return dict(zip(labels, value(op.inputs["probabilities"]).ravel()))
            operands = {
                name: [value(v) for v in variable] if isinstance(variable, (list, tuple)) else value(variable)
                for name, variable in op.inputs.items() if variable is not None and not name.startswith("_")
            }
            result, output = compute(op, operands), op.outputs[0]
            assert tuple(output.shape) == np.shape(result), (op.op_type, output.shape, np.shape(result))
            if rounds and output.dtype == types.fp16:
                result = result.astype(np.float16).astype(np.float32)
            values[output.name] = result


files = [f for p in arguments.pictures for f in (sorted(glob.glob(p + "/**/*.*", recursive=True)) if os.path.isdir(p) else [p])]
files = files[:: max(1, len(files) // arguments.count)][: arguments.count]
with tempfile.TemporaryDirectory() as folder:
    package = os.path.join(folder, "model.mlpackage")
    subprocess.run(
        [arguments.program, "export", arguments.graph, "--output", package, "--weights", arguments.weights],
        check=True, stdout=subprocess.DEVNULL)
    program = Program(package)
    size, exact = (program.image.width, program.image.height), []
    for index, file in enumerate(files):
        exact.append(os.path.join(folder, f"{index}.png"))
        Image.open(file).convert("RGB").resize(size, Image.BILINEAR).save(exact[-1])
    answers = json.loads(
        subprocess.run(
            [arguments.program, "classify", "--graph", arguments.graph, "--json", "--top", "10000", *exact],
            check=True, capture_output=True, text=True).stdout)
    worst = {False: 0.0, True: 0.0}
    for path, answer in zip(exact, answers):
        pixels = np.asarray(Image.open(path)).transpose(2, 0, 1)[None]
        for rounds in worst:
            found = program.run(pixels, rounds)
            worst[rounds] = max(worst[rounds], max(abs(found[p["label"]] - p["score"]) for p in answer["predictions"]))
print(f"{len(files)} pictures: {worst[False]:.6f} off at most with the package's weights, {worst[True]:.6f} with half-precision results too")
sys.exit(worst[False] > arguments.tolerance)
