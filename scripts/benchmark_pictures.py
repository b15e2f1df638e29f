#!/usr/bin/env python3
"""Measures the decoding of pictures beside Pillow, one thread, in turns: speed and memory.

    swift build -c release --product benchmark
    python3 -m venv venv && venv/bin/pip install pillow numpy
    venv/bin/python scripts/benchmark_pictures.py FOLDER [--rounds 3] [--formats webp_lossy,tiff_lzw]

FOLDER holds photographs or drawings, which are put together to one picture of 12 megapixels and made into 200 small ones. Pillow writes
them in every format. Both programs decode them from memory to RGB, a new picture each time, and are measured in processor time, of which
the least of all rounds counts. WebP is what libwebp does within Pillow, TIFF libtiff. The figures are the speeds in megapixels a second,
and Pillow's time over ours; then what one picture of 12 megapixels adds to the peak of the resident memory, its file included.
"""
import argparse, io, json, os, random, subprocess, sys, tempfile, time
from PIL import Image, features

FORMATS = {
    "webp_lossy": ("WEBP", dict(quality=80, method=4)),
    "webp_lossy_strong": ("WEBP", dict(quality=30, method=4)),
    "webp_lossless": ("WEBP", dict(lossless=True, method=2)),
    "tiff_plain": ("TIFF", {}),
    "tiff_lzw": ("TIFF", dict(compression="tiff_lzw")),
    "tiff_lzw_differences": ("TIFF", dict(compression="tiff_lzw", tiffinfo={317: 2})),
    "tiff_deflate": ("TIFF", dict(compression="tiff_adobe_deflate")),
    "tiff_packbits": ("TIFF", dict(compression="packbits")),
    "tiff_jpeg": ("TIFF", dict(compression="jpeg", quality=90)),
    "jpeg": ("JPEG", dict(quality=90)),
    "jpeg_progressive": ("JPEG", dict(quality=90, progressive=True)),
    "png": ("PNG", {}),
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", nargs="?")
parser.add_argument("--program", default=".build/release/benchmark")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--formats", default=",".join(FORMATS))
parser.add_argument("--small", type=int, default=200, help="how many small pictures")
parser.add_argument("--keep", help="a folder in which the pictures are kept, and found again")
parser.add_argument("--pillow", nargs="+", help=argparse.SUPPRESS)
parser.add_argument("--pillow-memory", help=argparse.SUPPRESS)
arguments = parser.parse_args()


def pillow_seconds(paths):
    """The least of seven runs for each file, as the program measures itself."""
    total = 0
    for path in paths:
        with open(path, "rb") as file: data = file.read()
        best = 1e9
        for _ in range(7):
            start = time.thread_time()
            Image.open(io.BytesIO(data)).convert("RGB").load()
            best = min(best, time.thread_time() - start)
        total += best
    return total


def peak():
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if arguments.pillow:
    print(pillow_seconds(arguments.pillow))
    sys.exit()
if arguments.pillow_memory:
    Image.init()
    before = peak()
    with open(arguments.pillow_memory, "rb") as file: data = file.read()
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.load()
    print((peak() - before) / 1e6)
    sys.exit()
if not arguments.folder: parser.error("name a folder of pictures")


def pictures(folder):
    """One picture of 4000 × 3000 pixels, and small ones of up to 400 × 300, of what the folder holds."""
    random.seed(1)
    paths = sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names
                   if name.lower().endswith((".jpg", ".jpeg", ".png", ".webp")))
    random.shuffle(paths)
    big, at, small = Image.new("RGB", (4000, 3000)), 0, []
    for path in paths:
        try: picture = Image.open(path).convert("RGB")
        except OSError: continue
        if at < 100:
            big.paste(picture.resize((400, 300)), (at % 10 * 400, at // 10 * 300))
            at += 1
        picture.thumbnail((400, 300))
        small.append(picture)
        if len(small) >= arguments.small and at >= 100: break
    return big, small


folder = arguments.keep or tempfile.mkdtemp()
chosen = arguments.formats.split(",")
missing = [name for name in chosen if not os.path.isdir(os.path.join(folder, name))]
if missing:
    big, small = pictures(arguments.folder)
    for name in missing:
        os.makedirs(os.path.join(folder, name))
        kind, options = FORMATS[name]
        for number, picture in enumerate([big] + small):
            picture.save(os.path.join(folder, name, f"{number:03}.{kind.lower()}"), kind, **options)

environment = dict(os.environ, OMP_NUM_THREADS="1")
print("Pillow", Image.__version__, *(f"{name} {features.version(name)}" for name in ("webp", "libtiff", "libjpeg_turbo")))
print(f"{'':22} {'12 MP':>8} {'Pillow':>8} {'ratio':>6}   {'small':>8} {'Pillow':>8} {'ratio':>6}   {'MB':>6} {'image':>6} {'Pillow':>6}")
for name in chosen:
    files = sorted(os.path.join(folder, name, file) for file in os.listdir(os.path.join(folder, name)))
    columns = []
    for group in (files[:1], files[1:]):
        ours, theirs, megapixels = 1e9, 1e9, 0
        for _ in range(arguments.rounds):
            answer = json.loads(subprocess.run(
                [arguments.program, "decode", *group], check=True, capture_output=True, text=True).stdout)
            megapixels = answer["megapixels"]
            ours = min(ours, megapixels / answer["megapixels_per_second"])
            theirs = min(theirs, float(subprocess.run(
                [sys.executable, __file__, "--pillow", *group], check=True, capture_output=True, text=True,
                env=environment).stdout))
        columns.append(f"{megapixels / ours:8.0f} {megapixels / theirs:8.0f} {theirs / ours:6.2f}")
    memory = json.loads(subprocess.run(
        [arguments.program, "memory", files[0]], check=True, capture_output=True, text=True).stdout)
    other = float(subprocess.run(
        [sys.executable, __file__, "--pillow-memory", files[0]], check=True, capture_output=True, text=True).stdout)
    print(f"{name:22} {'   '.join(columns)}   {memory['megabytes_for_rows']:6.1f} "
          f"{memory['megabytes_for_an_image']:6.1f} {other:6.1f}", flush=True)
