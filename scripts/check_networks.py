#!/usr/bin/env python3
"""Makes networks as people bring them, and checks cartoonctl against the runtimes that such networks are usually run by.

    python3 scripts/check_networks.py FOLDER                     makes every network in FOLDER and checks it
    python3 scripts/check_networks.py FOLDER resnet18 swin_t     only these
    python3 scripts/check_networks.py FOLDER --exports           also what 'cartoonctl export' makes of them
    python3 scripts/check_networks.py FOLDER --models            also models trained on them, and what the commands make of those

One command: where the packages are missing, a virtual environment is made (outside the project, --venv) and the script starts itself
again in it. The networks of torchvision, timm and Keras get seeded weights, and statistics of noise pictures for their normalizations;
networks that the installed packages do not have are named. A network that is there already is not made again.

Both sides are fed the same pictures, PNG files of the network's own size. A line a network:

    difference   the largest difference of an output, relative to the largest output; above 1e-4 is WRONG, or above 6e-4 where
                 there are more than 4096 outputs, which bottlenecks keep in half precision
    time         cartoonctl's milliseconds per picture, with 1 and 2 threads (--threads), the shortest of nine runs
    peer         the better of ONNX Runtime and OpenVINO, measured alternately in the same run; TensorFlow for Keras's graphs
    ratio        time / peer

--exports adds the differences of the network's exports in ONNX Runtime, LiteRT and TensorFlow. --models adds, for a classifier of three
labels that 'retrain' makes with the network: the largest difference of a probability between 'classify' and the runtime of the file's
format, of the model and of what optimize and quantize (rounded, weights, compact) make of it, between 'classify' of the model and of its
package, and between 'classify' and the model's exports; pages are run by Node.js. ONNX files go through onnx.checker's full check. Exit code 1: a difference, or
a network that cartoonctl refuses.
"""
import argparse, collections, json, math, os, subprocess, sys, tempfile, time

import environment

PACKAGES = ["onnx", "onnxruntime", "openvino", "numpy", "pillow"]
MORE = {"keras": ["tensorflow-cpu"], "exports": ["tensorflow-cpu", "ai-edge-litert"]}
MAKERS = ["torch", "torchvision", "timm"]
TORCHVISION = """alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet inception_v3 mnasnet1_0 mobilenet_v2
    mobilenet_v3_large mobilenet_v3_small regnet_x_400mf regnet_y_400mf resnet18 resnet50 resnext50_32x4d shufflenet_v2_x1_0
    squeezenet1_1 swin_t vgg11_bn vit_b_32""".split()
TIMM = """convnextv2_atto deit_tiny_patch16_224 edgenext_xx_small efficientvit_b0 fastvit_t8 ghostnetv2_100 hgnetv2_b0 levit_128s
    mobilenetv4_conv_small mobilenetv4_hybrid_medium mobileone_s0 mobilevit_xxs nfnet_f0 repvit_m0_9 resnet50_clip resnetv2_50
    seresnet50 tf_efficientnet_lite0 tiny_vit_5m_224 vit_base_patch16_siglip_224 vit_base_patch32_clip_quickgelu_224
    vit_small_patch14_dinov2""".split()
KERAS = """ConvNeXtTiny DenseNet121 EfficientNetB0 EfficientNetV2B0 InceptionResNetV2 InceptionV3 MobileNet MobileNetV2
    MobileNetV3Large MobileNetV3Small NASNetMobile ResNet50 ResNet50V2 VGG16 Xception""".split()

# What is made of a model: the command's words, or the format of an export.
COMMANDS = {
    "optimize": ["optimize"], "rounded": ["quantize", "--mode", "weights_rounded"],
    "weights": ["quantize", "--mode", "weights"], "compact": ["quantize", "--mode", "compact"],
    "onnx": ["export"], "tflite": ["export"], "savedmodel": ["export"], "html": ["export"], "package": ["package"],
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", help="where the networks are and are made")
parser.add_argument("networks", nargs="*", help="names of torchvision, timm or Keras; Keras's begin with keras_")
parser.add_argument("--program", default=".build/release/cartoonctl")
parser.add_argument("--benchmark", default=".build/release/benchmark")
parser.add_argument("--threads", default="1,2", help="numbers of threads, separated by commas; an empty text for no times")
parser.add_argument("--exports", action="store_true")
parser.add_argument("--models", nargs="?", const=",".join(COMMANDS), default="", metavar="COMMANDS",
                    help="what is made of the models, separated by commas: " + ", ".join(COMMANDS))
parser.add_argument("--keras", action="store_true", help="Keras's networks too; needs TensorFlow")
parser.add_argument("--venv", default=os.path.expanduser("~/.cache/cartoonctl/networks"))
arguments = parser.parse_intermixed_args()
names = arguments.networks or TORCHVISION + TIMM + (["keras_" + name for name in KERAS] if arguments.keras else [])


def stem_of(name):
    return os.path.join(arguments.folder, name)


def path_of(name):
    return stem_of(name) + (".pb" if name.startswith("keras_") else ".onnx")


isMaking = any(not name.startswith("keras_") and not os.path.exists(path_of(name)) for name in names)
hasKeras = any(name.startswith("keras_") for name in names)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
try:
    import numpy as np
    import onnx, onnxruntime, openvino
    from PIL import Image
    if isMaking:
        import timm, torch, torchvision
    if hasKeras or arguments.exports or arguments.models:
        import tensorflow as tf
    if arguments.exports or arguments.models:
        from ai_edge_litert.interpreter import Interpreter
except ImportError as error:
    packages = PACKAGES + MAKERS * isMaking + MORE["keras"] * hasKeras
    environment.restart(arguments.venv, packages + MORE["exports"] * bool(arguments.exports or arguments.models), error)

MEAN, DEVIATION = np.array([123.675, 116.28, 103.53], np.float32), np.array([58.395, 57.12, 57.375], np.float32)


def pictures(side, count):
    """Smooth noise, the same for the same size: bytes of [count, side, side, 3]."""
    random = np.random.default_rng(side)
    small = random.integers(0, 256, (count, 12, 12, 3), np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC)) for one in small])


def describe(stem, **facts):
    with open(stem + ".json", "w") as file:
        json.dump(facts, file, indent=1)


def make_torch(name, stem):
    torch.manual_seed(1)
    if name in TORCHVISION:
        side = 299 if name == "inception_v3" else 224
        options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
        model = torchvision.models.get_model(name, weights=None, **options)
    else:
        model = timm.create_model(name, pretrained=False, exportable=True)
        side = model.default_cfg.get("test_input_size", model.default_cfg["input_size"])[1]
    for weights in model.parameters():
        if weights.ndim == 2 and not weights.any():
            # torchvision's vision transformers begin with a last layer of zeros.
            torch.nn.init.trunc_normal_(weights, std=0.02)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = None  # the mean over all pictures
            module.reset_running_stats()
    batch = torch.from_numpy(((pictures(side, 8) - MEAN) / DEVIATION).astype(np.float32).transpose(0, 3, 1, 2).copy())
    model.train()
    with torch.no_grad():
        model(batch)
    model.eval()
    torch.onnx.export(
        model, (batch[:1],), stem + ".onnx", input_names=["input"], output_names=["output"], opset_version=17, dynamo=False)
    describe(
        stem, name=name, input="input", output="output", height=side, width=side, mean=MEAN.tolist(), std=DEVIATION.tolist(),
        taps=[{"tensor": "output", "reduction": "none"}])


def make_keras(name, stem):
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    tf.keras.utils.set_random_seed(1)
    kind = name.removeprefix("keras_")
    side = 299 if "ception" in kind else 224
    model = getattr(tf.keras.applications, kind)(weights=None, include_top=False, pooling="avg", input_shape=(side, side, 3))
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(pictures(side, 8).astype(np.float32) / 127.5 - 1, training=True)
    function = tf.function(lambda image: model(image, training=False)).get_concrete_function(
        tf.TensorSpec([1, side, side, 3], tf.float32, name="input"))
    frozen = convert_variables_to_constants_v2(function)
    with open(stem + ".pb", "wb") as file:
        file.write(frozen.graph.as_graph_def().SerializeToString())
    output = frozen.outputs[0].name.split(":")[0]
    describe(
        stem, name=name, input=frozen.inputs[0].name.split(":")[0], output=output, height=side, width=side, mean=127.5,
        std=127.5, taps=[{"tensor": output, "reduction": "none"}])


def shortest(run, seconds=2.0):
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def peers(path, threads):
    """The runtimes that run a network: by name, functions of an input as the file takes it."""
    if path.endswith(".pb"):
        definition = tf.compat.v1.GraphDef()
        with open(path, "rb") as file:
            definition.ParseFromString(file.read())
        facts = json.load(open(path[:-3] + ".json"))
        wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
        function = wrapped.prune(facts["input"] + ":0", facts["output"] + ":0")
        return {"TensorFlow": lambda x: function(tf.constant(x)).numpy()}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model(
        path, "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
                      "INFERENCE_PRECISION_HINT": "f32"})
    return {
        "ONNX Runtime": lambda x: session.run(None, {session.get_inputs()[0].name: x})[0],
        "OpenVINO": lambda x: compiled([x])[0],
    }


def difference(values, expected):
    return float(np.abs(values.reshape(expected.shape) - expected).max() / np.abs(expected).max())


def ours(path, images, folder):
    """What cartoonctl computes of pictures: their bottlenecks, whose only tap is the network's output."""
    pictures = os.path.join(folder, "pictures", "noise")
    os.makedirs(pictures, exist_ok=True)
    for number, image in enumerate(images):
        Image.fromarray(image).save(os.path.join(pictures, f"{number}.png"))
    os.makedirs(os.path.join(folder, "pictures", "other"), exist_ok=True)
    Image.fromarray(images[0]).save(os.path.join(folder, "pictures", "other", "0.png"))
    out = os.path.join(folder, "out")
    subprocess.run(
        [arguments.program, "bottlenecks", "export", out, "--image_dir", os.path.join(folder, "pictures"), "--format", "npy",
         "--architecture", path, "--bottleneck_dir", os.path.join(folder, "cache")], check=True, capture_output=True, text=True)
    values = np.load(os.path.join(out, "bottlenecks.npy"))
    with open(os.path.join(out, "pictures.csv")) as file:
        rows = [line.split(",")[0].strip('"') for line in file][1:]
    return np.stack([values[next(i for i, row in enumerate(rows) if row.endswith(f"noise/{n}.png"))] for n in range(len(images))])


def our_time(path, threads):
    if not os.path.exists(arguments.benchmark):
        return math.nan
    lines = subprocess.run(
        [arguments.benchmark, "forward", path, "--precision", "fp32", "--threads", str(threads)], check=True,
        capture_output=True, text=True).stdout.splitlines()
    # Instruction sets come from the slowest to the fastest.
    return json.loads(lines[-1])["shortest_milliseconds"]


def run_file(path, x):
    """What the runtime of a file's format computes of channels-last images, one after another."""
    if path.endswith(".onnx"):
        onnx.checker.check_model(path, full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        given = session.get_inputs()[0]
        if given.shape[1] == 3:
            x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        return np.concatenate([session.run([session.get_outputs()[0].name], {given.name: one[None]})[0] for one in x])
    if path.endswith(".tflite"):
        interpreter = Interpreter(path)
        interpreter.allocate_tensors()
        values = []
        for one in x:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], one[None])
            interpreter.invoke()
            values.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy())
        return np.concatenate(values)
    if path.endswith(".savedmodel"):
        signature = tf.saved_model.load(path).signatures["serving_default"]
        name = list(signature.structured_input_signature[1])[0]
        return np.concatenate([list(signature(**{name: tf.constant(one[None])}).values())[0].numpy() for one in x])
    definition = tf.compat.v1.GraphDef()
    with open(path, "rb") as file:
        definition.ParseFromString(file.read())
    given = next(node.name for node in definition.node if node.op == "Placeholder")
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
    function = wrapped.prune(given + ":0", "final_result:0")
    return np.concatenate([function(tf.constant(one[None])).numpy() for one in x])


def run_page(path, images, folder):
    """The probabilities that a page of 'export --format html' gives for pictures of the network's size."""
    files = []
    for number, image in enumerate(images):
        files.append(os.path.join(folder, f"{number}.rgba"))
        with open(files[-1], "wb") as file:
            file.write(Image.fromarray(image).convert("RGBA").tobytes())
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run-page.mjs")
    made = subprocess.run(
        ["node", script, path, str(images.shape[2]), str(images.shape[1]), *files], capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError("page: " + (made.stderr.strip() or "no answer").splitlines()[-1])
    return np.array(json.loads(made.stdout.splitlines()[0]), np.float32)


def cartoonctl(*words):
    made = subprocess.run([arguments.program, *words], capture_output=True, text=True)
    if made.returncode:
        lines = (made.stderr.strip() or made.stdout.strip() or f"exit code {made.returncode}").splitlines()
        raise RuntimeError(f"cartoonctl {words[0]}: {lines[-1]}")
    return made.stdout


def exports(path, x, expected, folder):
    """The differences of the network's exports in their runtimes, which are fed channels-last images."""
    results = {}
    for format in ["onnx", "tflite", "savedmodel"]:
        out = os.path.join(folder, "export." + format)
        try:
            cartoonctl("export", path, "--format", format, "--output", out)
            results[format] = difference(run_file(out, x), expected)
        except Exception as error:
            results[format] = str(error).splitlines()[0]
    return results


def classified(model, pictures, labels):
    """The probabilities that 'classify' gives: [pictures, labels], in the order of the labels."""
    found = json.loads(cartoonctl(
        "classify", *pictures, "--graph", model, "--json", "--top", str(len(labels)), "--unknown_threshold", "0", "--quiet"))
    scores = [{entry["label"]: entry["score"] for entry in one["predictions"]} for one in found]
    return np.array([[one[label] for label in labels] for one in scores], np.float32)


def models(path, facts, images, x, folder):
    """The differences of a classifier with the network, and of what the commands make of it."""
    suffix = os.path.splitext(path)[1]
    # Without taps in its description, the network's penultimate features are the bottleneck.
    source = os.path.join(folder, "network" + suffix)
    os.symlink(os.path.realpath(path), source)
    with open(os.path.join(folder, "network.json"), "w") as file:
        json.dump({key: value for key, value in facts.items() if key != "taps"}, file)
    classes, random = os.path.join(folder, "classes"), np.random.default_rng(3)
    for label in range(3):
        os.makedirs(os.path.join(classes, f"class{label}"))
        for number in range(8):
            small = random.integers(0, 256, (4 * (label + 1), 4 * (label + 1), 3), np.uint8)
            picture = Image.fromarray(small).resize((facts["width"], facts["height"]), Image.Resampling.BICUBIC)
            picture.save(os.path.join(classes, f"class{label}", f"{number}.png"))
    model, names = os.path.join(folder, "model" + suffix), os.path.join(folder, "labels.txt")
    results = {}
    try:
        cartoonctl("retrain", "--image_dir", classes, "--architecture", source, "--output_graph", model, "--output_labels", names,
                   "--bottleneck_dir", os.path.join(folder, "cache"))
        with open(names) as file:
            labels = file.read().split("\n")[:3]
        given = []
        for number, image in enumerate(images):
            given.append(os.path.join(folder, f"given{number}.png"))
            Image.fromarray(image).save(given[-1])
        expected = classified(model, given, labels)
        results["model"] = float(np.abs(run_file(model, x) - expected).max())
    except Exception as error:
        results["model"] = str(error).splitlines()[0]
        return results
    for name in filter(None, arguments.models.split(",")):
        words = COMMANDS[name]
        try:
            if words == ["export"]:
                out = os.path.join(folder, "export." + name)
                cartoonctl("export", model, "--format", name, "--output", out)
                found = run_page(out, images, folder) if name == "html" else run_file(out, x)
                results[name] = float(np.abs(found - expected).max())
            elif words == ["package"]:
                out = os.path.join(folder, "model.zip")
                cartoonctl("package", model, names, "--output", out, "--level", "1")
                results[name] = float(np.abs(classified(out, given, labels) - expected).max())
            else:
                out = os.path.join(folder, name + suffix)
                cartoonctl(*words, "--input", model, "--output", out, *["--calibrate", classes] * (name == "compact"))
                results[name] = float(np.abs(run_file(out, x) - classified(out, given, labels)).max())
                if name == "optimize":
                    results["optimized"] = float(np.abs(run_file(out, x) - expected).max())
        except Exception as error:
            results[name] = str(error).splitlines()[0]
    return results


def written(results):
    return "  ".join(f"{name} {value if isinstance(value, str) else format(value, '.0e')}" for name, value in results.items())


failures, ratios = 0, collections.defaultdict(list)
os.makedirs(arguments.folder, exist_ok=True)
for name in names:
    stem, path = stem_of(name), path_of(name)
    if not os.path.exists(path):
        try:
            (make_keras if name.startswith("keras_") else make_torch)(name, stem)
        except Exception as error:
            print(f"{name:36} not made: {str(error).splitlines()[0] if str(error) else error!r}", flush=True)
            continue
    facts = json.load(open(stem + ".json"))
    side = facts["height"]
    images = pictures(side, 2)
    x = (images - np.array(facts["mean"], np.float32)) / np.array(facts["std"], np.float32)
    given = x.astype(np.float32) if path.endswith(".pb") else np.ascontiguousarray(x.transpose(0, 3, 1, 2), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        runtimes = peers(path, 1)
        expected = np.concatenate([next(iter(runtimes.values()))(given[i:i + 1]).reshape(1, -1) for i in range(len(images))])
        try:
            found = difference(ours(path, images, folder), expected)
        except subprocess.CalledProcessError as error:
            failures += 1
            print(f"{name:36} refused: {error.stderr.strip().splitlines()[-1]}", flush=True)
            continue
        isRight = found <= (1e-4 if expected.shape[1] <= 4096 else 6e-4)
        line = f"{name:36} difference {found:.0e}"
        for threads in map(int, filter(None, arguments.threads.split(","))):
            mine = our_time(path, threads)
            best, peer = min((shortest(lambda: run(given[:1])), peer) for peer, run in peers(path, threads).items())
            line += f"   {threads} thread{'s' * (threads > 1)}: {mine:.1f} ms, {peer} {best:.1f} ms, ratio {mine / best:.2f}"
            if not math.isnan(mine):
                ratios[threads].append(mine / best)
        made = {}
        if arguments.exports:
            made |= {"export of the network: " + key: value
                     for key, value in exports(path, x[:1].astype(np.float32), expected[:1], folder).items()}
        if arguments.models:
            made |= models(path, facts, images, x.astype(np.float32), folder)
        isRight = isRight and all(not isinstance(value, str) and value <= 1e-4 for value in made.values())
        failures += not isRight
        line += "   " + written(made)
        print(line + ("" if isRight else "   WRONG"), flush=True)
for threads, all in ratios.items():
    print(f"{len(all)} networks, {threads} threads: geometric mean of the ratios {math.exp(sum(map(math.log, all)) / len(all)):.2f}, "
          f"highest {max(all):.2f}")
sys.exit(1 if failures else 0)
