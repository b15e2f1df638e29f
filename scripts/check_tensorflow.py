#!/usr/bin/env python3
"""Compares a model that cartoonctl wrote with TensorFlow: the graph as it is, on the same pictures.

    python3 -m venv venv && venv/bin/pip install tensorflow-cpu pillow
    venv/bin/python scripts/check_tensorflow.py --program .build/release/cartoonctl --graph cartoon.pb FOLDER

TensorFlow decodes, resizes (legacy bilinear) and runs; the probabilities must be those of 'cartoonctl classify --json' within
--tolerance. Pictures that TensorFlow cannot decode, or that EXIF turns, are left out. Exit code 1: a difference.
"""
import argparse, json, os, subprocess, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--program", default="cartoonctl")
parser.add_argument("--graph", required=True)
parser.add_argument("--tolerance", type=float, default=1e-3)
parser.add_argument("pictures", nargs="+")
arguments = parser.parse_args()

import numpy as np
import tensorflow as tf
from PIL import Image

tf1 = tf.compat.v1
definition = tf1.GraphDef()
with open(arguments.graph, "rb") as file:
    definition.ParseFromString(file.read())
about = next(json.loads(n.attr["value"].tensor.string_val[0]) for n in definition.node if n.name == "cartoonctl/description")
graph = tf.Graph()
with graph.as_default():
    tf.import_graph_def(definition, name="")
    content = tf1.placeholder(tf.string)
    accurate = "INTEGER_FAST" if about["backbone"].get("inverse_dct") == "fast" else "INTEGER_ACCURATE"
    jpeg = tf.image.decode_jpeg(content, channels=3, dct_method=accurate)
    other = tf.image.decode_image(content, channels=3, expand_animations=False)

    def scaled(image):
        size = [about["backbone"]["height"], about["backbone"]["width"]]
        resized = tf1.image.resize_bilinear(tf.cast(image, tf.float32)[None], size)
        return (resized - about["backbone"]["mean"]) * about["backbone"]["scale"]

    inputs = scaled(jpeg), scaled(other)
session = tf1.Session(graph=graph)

answer = subprocess.run([arguments.program, "classify", "--json", "--top", "1000", "--graph", arguments.graph, *arguments.pictures], stdout=subprocess.PIPE)
worst, compared, left_out, other_label = 0.0, 0, 0, 0
for entry in json.loads(answer.stdout):
    if "error" in entry:
        left_out += 1
        continue
    with open(entry["path"], "rb") as file:
        data = file.read()
    try:
        turned = Image.open(entry["path"]).getexif().get(0x0112, 1) != 1
        pixels = session.run(inputs[0 if data[:2] == b"\xff\xd8" else 1], {content: data})
    except Exception:
        left_out += 1
        continue
    if turned or entry.get("warnings"):
        left_out += 1
        continue
    expected = session.run(about["output"] + ":0", {about["backbone"]["input"] + ":0": pixels})[0]
    ours = {p["label"]: p["score"] for p in entry["predictions"]}
    difference = max(abs(ours[label] - float(score)) for label, score in zip(about["labels"], expected))
    other_label += about["labels"][int(np.argmax(expected))] != entry["predictions"][0]["label"]
    worst, compared = max(worst, difference), compared + 1
    if difference > arguments.tolerance:
        print(f"{entry['path']}: differs by {difference:.2g}", file=sys.stderr)
print(f"{compared} pictures compared, {left_out} left out; largest difference {worst:.2g}; {other_label} other top labels")
sys.exit(0 if compared and worst <= arguments.tolerance and not other_label else 1)
