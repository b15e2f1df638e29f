#!/usr/bin/env python3
"""Checks a model, and all that cartoonctl makes of it for deployment, against TensorFlow, ONNX Runtime and LiteRT.

    python3 scripts/check_peers.py --image_dir cartoon cartoon_test        trains a model, then checks it on the pictures
    python3 scripts/check_peers.py --graph cartoon.pb cartoon_test         checks a model that is there

One command: where the packages are missing, a virtual environment is made (outside the project, --venv) and the script starts itself
again in it. TensorFlow decodes and resizes the pictures as retrain.py did; every runtime is fed these same pixels. What it gives is compared with what
'cartoonctl classify' says of the same pictures:

    the model, optimized, quantized in every mode      TensorFlow: within 1e-4, the same top label
    optimized                                          TensorFlow's results of the model: within 1e-5
    weights_rounded                                    every constant equal to a restatement of quantize_graph
    the model and its quantized forms, exported as     ONNX Runtime and LiteRT: within 1e-3, the same top label;
    ONNX and TensorFlow Lite                           ONNX's own checker passes with full_check
    exports with --weights int8                        the same, told, and judged by gross faults only
    packages of models and exports                     Python's zipfile: every checksum, the same bytes

Accuracy is told where pictures lie in folders with the labels' names. Pictures that TensorFlow cannot decode, that EXIF turns or that are
damaged are left out. Exit code 1: a difference.
"""
import argparse, json, os, re, subprocess, sys, tempfile, zipfile

import environment

PACKAGES = ["tensorflow-cpu>=2.16,<3", "onnx>=1.16,<2", "onnxruntime>=1.18,<2", "ai-edge-litert>=1.0,<3", "pillow>=10", "numpy>=1.26"]

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--program", default=".build/release/cartoonctl")
parser.add_argument("--image_dir", help="pictures to train on, a folder a class")
parser.add_argument("--retrain", default="", help="more flags of retrain's, in one word: '--model_dir M'")
parser.add_argument("--graph", help="a model that is there, instead of training one")
parser.add_argument("--venv", default=os.path.expanduser("~/.cache/cartoonctl/peers"))
parser.add_argument("pictures", nargs="+", help="pictures, or folders of them")
arguments = parser.parse_args()
if bool(arguments.image_dir) == bool(arguments.graph):
    parser.error("give either --image_dir or --graph")

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
try:
    import numpy as np
    import onnx
    import onnxruntime
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image
except ImportError as error:
    environment.restart(arguments.venv, PACKAGES, error)

tf1 = tf.compat.v1


class Report:
    """A line a check; remembers whether all went well."""

    failures = 0

    def line(self, name, text, is_right=True):
        self.failures += not is_right
        print(f"{name:34} {text}{'' if is_right else '   WRONG'}", flush=True)


def run(*words):
    """Runs the program and returns what it printed."""
    return subprocess.run([arguments.program, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def read_graph(path):
    definition = tf1.GraphDef()
    with open(path, "rb") as file:
        definition.ParseFromString(file.read())
    return definition


# The program's own answers.


def classify(path, places):
    """Scores in the labels' order, [pictures, labels]; None for a picture that was not read whole."""
    answer = subprocess.run(
        [arguments.program, "classify", "--json", "--top", "100000", "--unknown_threshold", "0", "--graph", path, *places],
        stdout=subprocess.PIPE, check=False)
    scores = {}
    for entry in json.loads(answer.stdout):
        sound = "error" not in entry and not entry.get("warnings")
        by_label = {p["label"]: p["score"] for p in entry.get("predictions", [])}
        scores[entry["path"]] = np.array([by_label[label] for label in about["labels"]]) if sound else None
    return scores


# The runtimes: each gives a function from an input to probabilities.


def tensorflow(path):
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(read_graph(path), name="")
    session = tf1.Session(graph=graph)
    return lambda x: session.run(about["output"] + ":0", {about["backbone"]["input"] + ":0": x})[0]


def onnx_runtime(path):
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    labels = {entry.key: entry.value for entry in model.metadata_props}["labels"].split("\n")
    assert labels == about["labels"], labels
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0][0]


def litert(path):
    interpreter = Interpreter(model_path=path)
    runner = interpreter.get_signature_runner()
    name, output = runner.get_input_details().keys(), about["output"]
    return lambda x: runner(**{next(iter(name)): x})[output][0]


# What the runtimes are fed.


def inputs(paths):
    """[1, height, width, 3] by path, decoded and resized by TensorFlow; only of pictures that it sees as we do."""
    backbone = about["backbone"]
    method = "INTEGER_FAST" if backbone.get("inverse_dct") == "fast" else "INTEGER_ACCURATE"
    result = {}
    for path in paths:
        try:
            if Image.open(path).getexif().get(0x0112, 1) != 1:
                continue
            data = tf.io.read_file(path)
            if data.numpy()[:2] == b"\xff\xd8":
                image = tf.image.decode_jpeg(data, channels=3, dct_method=method)
            else:
                image = tf.image.decode_image(data, channels=3, expand_animations=False)
        except Exception:
            continue
        resized = tf1.image.resize_bilinear(tf.cast(image, tf.float32)[None], [backbone["height"], backbone["width"]])
        result[path] = ((resized - backbone["mean"]) * backbone["scale"]).numpy()
    return result


def label_of(path):
    """The label that retrain makes of the folder a picture lies in."""
    return re.sub(r"[^a-z0-9]+", " ", os.path.basename(os.path.dirname(os.path.abspath(path))).lower()).strip()


def accuracy(scores):
    known = [path for path in scores if label_of(path) in about["labels"]]
    if not known:
        return ""
    right = sum(about["labels"][int(np.argmax(scores[path]))] == label_of(path) for path in known)
    return f", accuracy {right / len(known):.3f}"


def compare(name, runtime, path, right, tolerance, others=0):
    """Runs every picture and returns what it gave; `others` is how many may have another top label."""
    network = runtime(path)
    given = {picture: network(pixels) for picture, pixels in pixels_of.items()}
    worst = max(float(np.abs(given[p] - right[p]).max()) for p in given)
    different = sum(int(np.argmax(given[p]) != np.argmax(right[p])) for p in given)
    report.line(
        name, f"largest difference {worst:.2g}, {different} of {len(given)} other top labels{accuracy(given)}; {os.path.getsize(path) * 1e-6:.2f} MB",
        worst <= tolerance and different <= others)
    return given


# quantize_graph, restated.


def constants(path):
    nodes = [node for node in read_graph(path).node if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum]
    return {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in nodes}


def rounded(values, buckets=256):
    """quantize_graph's weights_rounded."""
    low, high = values.min(), values.max()
    if low == high:
        return values
    width = (high - low) / np.float32(buckets)
    return low + width * (np.minimum(np.floor((values - low) / width), buckets - 1) + np.float32(0.5))


def check_rounded(model, path):
    before, after = constants(model), constants(path)
    other = [name for name, values in before.items() if not np.array_equal(rounded(values), after[name])]
    report.line("weights_rounded: constants", f"{len(before)}, {len(other)} unlike quantize_graph's", not other)


def check_package(model, labels, path):
    run("package", model, labels, "--level", "9", "--output", path)
    with zipfile.ZipFile(path) as archive:
        sound = archive.testzip() is None and archive.read(os.path.basename(model)) == open(model, "rb").read()
        report.line(f"package {os.path.basename(model)}", f"{os.path.getsize(path) * 1e-6:.2f} MB, holds {', '.join(archive.namelist())}", sound)


report = Report()
with tempfile.TemporaryDirectory() as folder:
    def place(name):
        return os.path.join(folder, name)

    model = arguments.graph or place("model.pb")
    if arguments.image_dir:
        flags = ["--image_dir", arguments.image_dir, "--output_graph", model, "--output_labels", place("retrained.txt")]
        print(run("retrain", "--quiet", *flags, *arguments.retrain.split()), end="", flush=True)
    about = next(json.loads(n.attr["value"].tensor.string_val[0]) for n in read_graph(model).node if n.name == "cartoonctl/description")
    with open(place("labels.txt"), "w") as file:
        file.write("\n".join(about["labels"]) + "\n")

    answers = {"model": classify(model, arguments.pictures)}
    pixels_of = inputs([path for path, scores in answers["model"].items() if scores is not None])
    print(f"{len(pixels_of)} pictures compared, {len(answers['model']) - len(pixels_of)} left out{accuracy({p: answers['model'][p] for p in pixels_of})}", flush=True)
    if not pixels_of:
        sys.exit("nothing to compare")

    forms = {"model": model, "optimized": place("optimized.pb")}
    run("optimize", "--input", model, "--output", forms["optimized"])
    for mode in ["weights_rounded", "weights", "compact"]:
        forms[mode] = place(mode + ".pb")
        run("quantize", "--quiet", "--input", model, "--output", forms[mode], "--mode", mode)
    given = {}
    for form, path in forms.items():
        if form not in answers:
            answers[form] = classify(path, list(pixels_of))
        given[form] = compare(f"{form}: TensorFlow", tensorflow, path, answers[form], 1e-4)
    change = max(float(np.abs(given["model"][p] - given["optimized"][p]).max()) for p in pixels_of)
    report.line("optimized: TensorFlow, to the model", f"largest difference {change:.2g}", change <= 1e-5)
    check_rounded(model, forms["weights_rounded"])

    # Rounding to bytes changes probabilities.
    gross = (1, len(pixels_of) // 10)
    exports = [
        ("model", "float", (1e-3, 0)), ("model", "int8", gross), ("weights", "float", (1e-3, 0)), ("compact", "float", (1e-3, 0)), ("compact", "int8", gross),
    ]
    for form, weights, limits in exports:
        for format, runtime, name in [("onnx", onnx_runtime, "ONNX Runtime"), ("tflite", litert, "LiteRT")]:
            export = place(f"{form}_{weights}.{format}")
            run("export", forms[form], "--format", format, "--weights", weights, "--output", export)
            compare(f"{form}: {name}, {weights}", runtime, export, answers[form], *limits)

    for path in [forms["compact"], place("model_float.onnx"), place("model_int8.tflite")]:
        check_package(path, place("labels.txt"), place("package.zip"))
sys.exit(1 if report.failures else 0)
