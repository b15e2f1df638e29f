#!/usr/bin/env python3
"""Checks what cartoonctl makes of a model for deployment against TensorFlow, ONNX Runtime and LiteRT.

    python3 -m venv venv && venv/bin/pip install tensorflow-cpu onnxruntime pillow
    venv/bin/python scripts/check_deploy.py --program .build/release/cartoonctl cartoon.pb FOLDER

Runs the program's verbs on the model in a temporary folder, and every file they write in its own runtime, on the pictures of FOLDER,
or on seeded noise where there is none; TensorFlow running the model itself says what is right. A graph that is no model of
retrain's needs --input, --output and --size. Exit code 1: a difference beyond the tolerance.
"""
import argparse, json, os, subprocess, sys, tempfile
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--program", default="cartoonctl")
parser.add_argument("--input")
parser.add_argument("--output")
parser.add_argument("--size", type=int, default=224)
parser.add_argument("--count", type=int, default=150, help="how many pictures")
parser.add_argument("--calibrate", help="pictures for compact, a folder per class")
parser.add_argument("--quantized", action="append", default=[], help="a file that was made before; may be given again")
parser.add_argument("model")
parser.add_argument("folder", nargs="?")
arguments = parser.parse_args()

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1


def read_graph(path):
    definition = tf1.GraphDef()
    with open(path, "rb") as file:
        definition.ParseFromString(file.read())
    return definition


def describe():
    for node in read_graph(arguments.model).node:
        if node.name == "cartoonctl/description":
            about = json.loads(node.attr["value"].tensor.string_val[0])
            return about["backbone"], about["output"]
    size = arguments.size
    return {"input": arguments.input, "height": size, "width": size, "mean": 127.5, "scale": 1 / 127.5}, arguments.output


backbone, output = describe()


def pictures():
    """What the network is given: [1, height, width, 3] each."""
    height, width, mean, scale = (backbone[k] for k in ("height", "width", "mean", "scale"))
    if not arguments.folder:
        random = np.random.default_rng(1)
        return [((random.integers(0, 256, [1, height, width, 3]) - mean) * scale).astype(np.float32) for _ in range(4)]
    paths = sorted(os.path.join(place, name) for place, _, names in os.walk(arguments.folder) for name in names)
    result = []
    for path in paths[:: max(1, len(paths) // arguments.count)]:
        try:
            image = tf.image.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        except tf.errors.InvalidArgumentError:
            continue
        resized = tf1.image.resize_bilinear(tf.cast(image, tf.float32)[None], [height, width])
        result.append(((resized - mean) * scale).numpy())
    return result


def tensorflow(path):
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(read_graph(path), name="")
    session = tf1.Session(graph=graph)
    return lambda x: session.run(output + ":0", {backbone["input"] + ":0": x})


def onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def tflite(path):
    interpreter = tf.lite.Interpreter(path)
    interpreter.allocate_tensors()
    place, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(x):
        interpreter.set_tensor(place, x)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    return run


images = pictures()
reference = tensorflow(arguments.model)
expected = [reference(x) for x in images]
# What is compared is in the size of what comes out: probabilities, or features.
unit = max(1.0, max(float(np.abs(e).max()) for e in expected))
failures = 0


def check(name, run, right, tolerance):
    """Largest difference from `right`, and how many top entries are other ones."""
    global failures
    given = [run(x) for x in images]
    worst = max(float(np.abs(a - b).max()) for a, b in zip(given, right)) / unit
    other = sum(int(np.argmax(a) != np.argmax(b)) for a, b in zip(given, right))
    wrong = tolerance is not None and (worst > tolerance or other > 0)
    failures += wrong
    print(f"{name:28} largest difference {worst:.2g}, {other} of {len(images)} other top labels{'   WRONG' if wrong else ''}", flush=True)
    return given


def make(verb, name, *flags):
    path = os.path.join(folder, name)
    ends = ["--input_names", backbone["input"], "--output_names", output]
    subprocess.run([arguments.program, verb, "--input", arguments.model, "--output", path, *ends, *flags], check=True, stdout=subprocess.DEVNULL)
    return path


def constants(path):
    nodes = [node for node in read_graph(path).node if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum]
    return {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in nodes}


def restated(values, buckets=256):
    """quantize_graph's weights_rounded."""
    low, high = values.min(), values.max()
    if low == high:
        return values
    width = (high - low) / np.float32(buckets)
    index = np.floor((values - low) / width)
    index[index == buckets] = buckets - 1
    return low + width * (index + np.float32(0.5))


def check_rounded(path):
    global failures
    before, after = constants(arguments.model), constants(path)
    other = [name for name, values in before.items() if not np.array_equal(restated(values), after[name])]
    failures += bool(other)
    print(f"weights_rounded              {len(before)} constants, {len(other)} unlike quantize_graph's{'   WRONG' if other else ''}", flush=True)


def check_classify(mode, path):
    """Our own engine on the same file."""
    global failures
    if not arguments.folder:
        return
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check_tensorflow.py")
    command = [sys.executable, script, "--program", arguments.program, "--graph", path, "--tolerance", "1e-4", arguments.folder]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    failures += answer.returncode != 0
    print(f"{mode:28} classify and TensorFlow: {answer.stdout.strip()}{'   WRONG' if answer.returncode else ''}", flush=True)


with tempfile.TemporaryDirectory() as folder:
    check("optimize", tensorflow(make("optimize", "optimized.pb")), expected, 1e-5)
    for mode in ["weights_rounded", "weights", "compact"]:
        pictures_too = ["--calibrate", arguments.calibrate] if mode == "compact" and arguments.calibrate else []
        path = make("quantize", mode + ".pb", "--mode", mode, *pictures_too)
        if mode == "weights_rounded":
            check_rounded(path)
        check(mode, tensorflow(path), expected, None)
        check_classify(mode, path)
    for path in arguments.quantized:
        check(os.path.basename(path), tensorflow(path), expected, None)
        check_classify(os.path.basename(path), path)
sys.exit(1 if failures else 0)
