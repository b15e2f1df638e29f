#!/usr/bin/env python3
"""Draws the small pictures of Tests/Pictures/sound, and writes down what Pillow reads from them.

    python3 -m venv venv && venv/bin/pip install pillow
    venv/bin/python scripts/make_test_pictures.py Tests/Pictures

Pillow writes what it can write; the other variants of BMP and GIF are put together here. `pillow.tsv` has a line a file: its name, its
size, and the SHA-256 of the RGB rows that Pillow reads from it (of its RGBA rows where the name says rgba).
"""
import hashlib, io, os, struct, sys
from PIL import Image, ImageOps

root = sys.argv[1]
folder = os.path.join(root, "sound")
os.makedirs(folder, exist_ok=True)
W, H = 19, 13


def rgb(x, y):
    return (x * 13 + y * 3) & 255, (x * y * 5) & 255, (200 - y * 15 + x) & 255


picture = Image.new("RGB", (W, H))
picture.putdata([rgb(x, y) for y in range(H) for x in range(W)])
alpha = Image.new("L", (W, H))
alpha.putdata([(x * 29 + y * 7) & 255 for y in range(H) for x in range(W)])
rgba = picture.convert("RGBA")
rgba.putalpha(alpha)
files = {}


def save(name, image, **options):
    buffer = io.BytesIO()
    image.save(buffer, name.split(".")[-1].replace("jpg", "jpeg"), **options)
    files[name] = buffer.getvalue()


# BMP

def bmp(depth, rows, width, height, compression=0, colors=b"", masks=b"", header=40, top_down=False, padded=True):
    """Rows are in the order of the file, without padding."""
    data = b"".join(row + (b"\0" * (-len(row) % 4) if padded else b"") for row in rows)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, depth)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, depth, compression, len(data), 0, 0, 0, 0)
        info += masks + b"\0" * (header - 40 - len(masks)) if header > 40 else masks
    offset = 14 + len(info) + len(colors)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + info + colors + data


def palette(count, entry):
    return b"".join(bytes([(i * 37) & 255, (i * 71) & 255, 255 - (i * 13 & 255)] + [0] * (entry - 3)) for i in range(count))


def indexed(depth):
    """Rows from the bottom up."""
    for y in reversed(range(H)):
        values = [(x + y * 3) % (1 << depth) for x in range(W)]
        bits = "".join(format(value, f"0{depth}b") for value in values)
        bits += "0" * (-len(bits) % 8)
        yield bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def words(depth, order=reversed):
    for y in order(range(H)):
        row = b""
        for x in range(W):
            r, g, b = rgb(x, y)
            if depth == 555: row += struct.pack("<H", r >> 3 << 10 | g >> 3 << 5 | b >> 3)
            if depth == 565: row += struct.pack("<H", r >> 3 << 11 | g >> 2 << 5 | b >> 3)
            if depth == 24: row += bytes([b, g, r])
            if depth == 32: row += bytes([b, g, r, (x * 29 + y * 7) & 255])
        yield row


save("bmp_1.bmp", picture.convert("1"))
save("bmp_8.bmp", picture.quantize(64))
save("bmp_gray.bmp", picture.convert("L"))
save("bmp_24.bmp", picture)
for depth in (1, 4, 8):
    files[f"bmp_os2_{depth}.bmp"] = bmp(depth, indexed(depth), W, H, colors=palette(1 << depth, 3), header=12)
files["bmp_os2_24.bmp"] = bmp(24, words(24), W, H, header=12)
files["bmp_4.bmp"] = bmp(4, indexed(4), W, H, colors=palette(16, 4))
files["bmp_16_555.bmp"] = bmp(16, words(555), W, H)
files["bmp_16_565.bmp"] = bmp(16, words(565), W, H, compression=3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
files["bmp_24_top_down.bmp"] = bmp(24, words(24, order=iter), W, H, top_down=True)
files["bmp_32.bmp"] = bmp(32, words(32), W, H)
files["bmp_32_top_down.bmp"] = bmp(32, words(32, order=iter), W, H, top_down=True)
masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
files["bmp_32_v4_rgba.bmp"] = bmp(32, words(32), W, H, compression=3, masks=masks, header=108)
runs = b"".join(bytes([7, 9 + y, 0, 5, 1, 2, 3, 4, y, 0, 4, 60]) + b"\x03" + bytes([y + 1]) + b"\0\0" for y in range(H - 1)) + b"\x13\x05\0\1"
files["bmp_rle8.bmp"] = bmp(8, [runs], W, H, compression=1, colors=palette(256, 4), padded=False)
runs = b"".join(bytes([9, 0x12 + y, 0, 5, 0x12, 0x34, 0x50, 0, 5, 0x60 + y]) + b"\0\0" for y in range(H - 1)) + b"\x13\x57\0\1"
files["bmp_rle4.bmp"] = bmp(4, [runs], W, H, compression=2, colors=palette(16, 4), padded=False)

# GIF: Pillow compresses; frames off the corner, local colors and interlacing are put together from what it wrote.
small = picture.quantize(16)
save("gif_plain.gif", small, interlace=0)
save("gif_interlaced.gif", small, interlace=1)
save("gif_256.gif", picture.quantize(256), interlace=0)
save("gif_1bit.gif", picture.convert("1").convert("P").quantize(2), interlace=0)
save("gif_transparent.gif", small, interlace=0, transparency=3)
save("gif_animated.gif", small, interlace=0, save_all=True, append_images=[picture.rotate(180).quantize(16)], duration=50, loop=0)


def codes(indices, width):
    """LZW that only clears: each index as a code of width + 1 bits."""
    clear, since = 1 << width, 0
    out = format(clear, f"0{width + 1}b")[::-1]
    for index in indices:
        if since == clear - 2:
            out += format(clear, f"0{width + 1}b")[::-1]
            since = 0
        out += format(index, f"0{width + 1}b")[::-1]
        since += 1
    out += format(clear + 1, f"0{width + 1}b")[::-1]
    out += "0" * (-len(out) % 8)
    data = bytes(int(out[i:i + 8][::-1], 2) for i in range(0, len(out), 8))
    return bytes([width]) + b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)) + b"\0"


colors = bytes(value for i in range(8) for value in (i * 36, 255 - i * 30, i * i * 5))
frame = codes([(x * y + x) % 8 for y in range(H) for x in range(W)], 3)
image = struct.pack("<BHHHHB", 0x2C, 0, 0, W, H, 0x82) + colors + frame
files["gif_local_colors.gif"] = b"GIF89a" + struct.pack("<HHBBB", W, H, 0, 0, 0) + b"\x21\xfe\x05hello\0" + image + b";"

# PNG: what needs no other reader's opinion is in the conformance tables; here is one of each way through the decoder.
save("png_rgb.png", picture)
save("png_rgba.png", rgba)
save("png_gray.png", picture.convert("L"))
save("png_palette_2.png", picture.quantize(4), bits=2)
save("png_palette_transparent_rgba.png", picture.quantize(16), bits=4, transparency=bytes(range(0, 160, 10)))
save("png_1.png", picture.convert("1"))
save("png_animated.png", picture, save_all=True, append_images=[picture.rotate(180)], duration=50)
exif = Image.Exif()
exif[0x0112] = 6
save("png_exif_6.png", picture, exif=exif)

# JPEG
save("jpeg_420.jpg", picture, quality=85)
save("jpeg_422.jpg", picture, quality=85, subsampling="4:2:2")
save("jpeg_444_restarts.jpg", picture, quality=70, subsampling="4:4:4", restart_marker_blocks=2)
save("jpeg_gray.jpg", picture.convert("L"), quality=60)
save("jpeg_progressive.jpg", picture, quality=85, progressive=True)
for orientation in range(2, 9):
    exif[0x0112] = orientation
    save(f"jpeg_exif_{orientation}.jpg", picture, quality=50, exif=exif)

# WebP: of drawings, which use more of its modes than so small a picture does.
drawings = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Fixtures", "characters")
names = sorted(os.path.join(folder, name) for folder, _, names in os.walk(drawings) for name in names)
names = [name for name in names if name.endswith((".jpg", ".png"))]
moss, robot = (Image.open(names[i]).convert("RGB") for i in (0, 7))
moss, robot = moss.resize((75, 61)), robot.resize((50, 44))
clear = moss.copy()
mask = Image.new("L", clear.size)
mask.putdata([(x * x + y * 9) // 8 % 256 for y in range(61) for x in range(75)])
clear.putalpha(mask)
save("webp_lossy.webp", moss, quality=60, method=4)
save("webp_lossy_strong.webp", robot, quality=5, method=0)
save("webp_alpha_rgba.webp", clear, quality=70, alpha_quality=100, method=6)
save("webp_alpha_levels_rgba.webp", clear, quality=40, alpha_quality=30)
save("webp_lossless.webp", moss, lossless=True, quality=100, method=6)
save("webp_lossless_alpha_rgba.webp", clear, lossless=True, exact=True, quality=30)
save("webp_lossless_palette.webp", robot.quantize(13).convert("RGB"), lossless=True, quality=80)
small = clear.resize((40, 30))
save("webp_animated_rgba.webp", small, save_all=True, duration=80, quality=50,
     append_images=[small.transpose(Image.FLIP_LEFT_RIGHT)])

with open(os.path.join(root, "pillow.tsv"), "w") as table:
    print("name", "width", "height", "sha", sep="\t", file=table)
    for name, data in sorted(files.items()):
        with open(os.path.join(folder, name), "wb") as file: file.write(data)
        read = Image.open(io.BytesIO(data))
        read.seek(0)
        read = ImageOps.exif_transpose(read)
        pixels = read.convert("RGBA" if "rgba" in name else "RGB")
        print(name, *pixels.size, hashlib.sha256(pixels.tobytes()).hexdigest(), sep="\t", file=table)
