#!/usr/bin/env python3
"""Draws the small pictures of Tests/Pictures/sound, and writes down what Pillow reads from them.

    python3 -m venv venv && venv/bin/pip install pillow
    venv/bin/python scripts/make_test_pictures.py Tests/Pictures

Pillow writes what it can write; the other variants of BMP and GIF are put together here. `pillow.tsv` has a line a file: its name, its
size, and the SHA-256 of the RGB rows that Pillow reads from it (of its RGBA rows where the name says rgba). Of gray samples with more
than 8 bits the highest 8 count. `truncated.tsv` has a line for each of some cuts of a WebP: the rows that libwebp's incremental decoder
gives of it, and their SHA-256.
"""
import ctypes, glob, hashlib, io, os, struct, sys, zlib
import PIL
from PIL import Image, ImageOps, TiffImagePlugin

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
# What files hold that Pillow does not read.
known = {}


def save(name, image, **options):
    buffer = io.BytesIO()
    image.save(buffer, name.split(".")[-1].replace("jpg", "jpeg").replace("tif", "tiff"), **options)
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

# TIFF: what Pillow writes, and layouts that it does not write, put together here.

def tiff(fields, units, tiled=False, order="<", big=False):
    """A file of one directory: `fields` maps tags to values, `units` are its strips or tiles."""
    size, pack = (8, "Q") if big else (4, "I")
    kinds = {"H": 3, "I": 4, "Q": 16, "2I": 5}
    fields = dict(fields)
    data, offsets = b"", []
    head = 16 if big else 8
    for unit in units:
        offsets.append(head + len(data))
        data += unit + bytes(len(unit) % 2)
    fields[324 if tiled else 273] = offsets
    fields[325 if tiled else 279] = [len(unit) for unit in units]
    start = head + len(data)
    count = struct.pack(order + ("Q" if big else "H"), len(fields))
    entries, rest = b"", b""
    behind = start + len(count) + len(fields) * (4 + 2 * size) + size
    for tag, values in sorted(fields.items()):
        values = values if isinstance(values, list) else [values]
        if isinstance(values[0], tuple):
            kind, content = "2I", b"".join(struct.pack(order + "2I", *value) for value in values)
        else:
            kind = "I" if max(values) > 65535 or tag in (273, 279, 324, 325) else "H"
            content = struct.pack(order + kind * len(values), *values)
        entries += struct.pack(order + "HH" + pack, tag, kinds[kind], len(values))
        if len(content) <= size:
            entries += content.ljust(size, b"\0")
        else:
            entries += struct.pack(order + pack, behind + len(rest))
            rest += content
    magic = struct.pack(order + "HHHQ", 43, 8, 0, start) if big else struct.pack(order + "HI", 42, start)
    name = b"II" if order == "<" else b"MM"
    return name + magic + data + count + entries + bytes(size) + rest


def strips(data, rows, row): return [data[i:i + rows * row] for i in range(0, len(data), rows * row)]


def tiles(data, pixel, side=16):
    """Square tiles of whole pixels, filled up with zeros."""
    result = []
    for top in range(0, H, side):
        for left in range(0, W, side):
            rows = []
            for y in range(top, top + side):
                row = data[y * W * pixel:(y + 1) * W * pixel] if y < H else b""
                rows.append(row[left * pixel:(left + side) * pixel].ljust(side * pixel, b"\0"))
            result.append(b"".join(rows))
    return result


def differences(data, order, samples):
    """Rows of 16-bit samples as differences between neighbours."""
    words = struct.unpack(order + "H" * (len(data) // 2), data)
    row = W * samples
    return struct.pack(order + "H" * len(words), *[
        (word - (words[i - samples] if i % row >= samples else 0)) & 0xffff for i, word in enumerate(words)])


def bits(values, depth):
    rows = b""
    for y in range(H):
        text = "".join(format(values[y * W + x], f"0{depth}b") for x in range(W))
        text += "0" * (-len(text) % 8)
        rows += bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
    return rows


def basic(depths, photometric, **more):
    fields = {256: W, 257: H, 258: depths, 259: 1, 262: photometric, 277: len(depths), 278: H}
    names = {"compression": 259, "fill": 266, "orientation": 274, "rows": 278, "planes": 284, "predictor": 317,
             "side": 322, "extra": 338, "subsampling": 530, "colors": 320, "reference": 532}
    for name, value in more.items(): fields[names[name]] = value
    if "side" in more: fields[323] = more["side"]; del fields[278]
    return fields


plain = picture.tobytes()
wide = b"".join(struct.pack("<H", value * 257 ^ 0x5a) for value in plain)
swapped = b"".join(struct.pack(">H", value * 257 ^ 0x5a) for value in plain)
gray = [(x * 13 + y * 7) & 255 for y in range(H) for x in range(W)]
save("tiff_lzw.tif", picture, compression="tiff_lzw")
save("tiff_packbits.tif", picture, compression="packbits")
save("tiff_deflate.tif", picture, compression="tiff_adobe_deflate")
save("tiff_jpeg.tif", picture, compression="jpeg", quality=90)
save("tiff_jpeg_gray.tif", picture.convert("L"), compression="jpeg", quality=90)
save("tiff_bilevel.tif", picture.convert("1"), compression="packbits")
save("tiff_palette.tif", picture.quantize(31))
save("tiff_cmyk.tif", picture.convert("CMYK"), compression="tiff_lzw")
save("tiff_rgba.tif", rgba, compression="tiff_deflate")
eight = [8, 8, 8]
files["tiff_strips.tif"] = tiff(basic(eight, 2, rows=4), strips(plain, 4, 3 * W))
files["tiff_big_endian.tif"] = tiff(basic(eight, 2), [plain], order=">")
files["tiff_big.tif"] = tiff(basic(eight, 2, rows=5), strips(plain, 5, 3 * W), big=True)
files["tiff_orientation_6.tif"] = tiff(basic(eight, 2, orientation=6), [plain])
files["tiff_tiles.tif"] = tiff(basic(eight, 2, compression=8, side=16), [
    zlib.compress(tile) for tile in tiles(plain, 3)], tiled=True)
files["tiff_planes.tif"] = tiff(basic(eight, 2, planes=2), [plain[c::3] for c in range(3)])
multiplied = b"".join(bytes([value * a // 255 for value in color]) + bytes([a]) for *color, a in
                      zip(plain[0::3], plain[1::3], plain[2::3], alpha.tobytes()))
files["tiff_multiplied_rgba.tif"] = tiff(basic(eight + [8], 2, extra=1), [multiplied])
files["tiff_16.tif"] = tiff(basic([16] * 3, 2), [wide])
files["tiff_16_differences.tif"] = tiff(
    basic([16] * 3, 2, compression=8, predictor=2), [zlib.compress(differences(wide, "<", 3))])
files["tiff_16_differences_big_endian.tif"] = tiff(
    basic([16] * 3, 2, compression=8, predictor=2), [zlib.compress(differences(swapped, ">", 3))], order=">")
files["tiff_gray_4.tif"] = tiff(basic([4], 1), [bits([value >> 4 for value in gray], 4)])
files["tiff_gray_2_inverted.tif"] = tiff(basic([2], 0), [bits([value >> 6 for value in gray], 2)])
files["tiff_reversed_bits.tif"] = tiff(basic([1], 0, fill=2), [
    bytes(int(format(byte, "08b")[::-1], 2) for byte in bits([value >> 7 for value in gray], 1))])
colors = [(i * 4096 + channel * 999) & 0xffff for channel in range(3) for i in range(16)]
files["tiff_palette_4.tif"] = tiff(basic([4], 3, colors=colors), [bits([value >> 4 for value in gray], 4)])
blocks = b"".join(
    bytes(gray[min(y + j, H - 1) * W + min(x + i, W - 1)] for j in range(2) for i in range(2))
    + bytes([(90 + 5 * x) & 255, (200 - 9 * y) & 255]) for y in range(0, H, 2) for x in range(0, W, 2))
files["tiff_ycbcr.tif"] = tiff(basic(eight, 6, compression=8, subsampling=[2, 2]), [zlib.compress(blocks)])
files["tiff_ycbcr_reference.tif"] = tiff(basic(eight, 6, compression=8, subsampling=[2, 2], reference=[
    (15, 1), (235, 1), (128, 1), (240, 1), (128, 1), (240, 1)]), [zlib.compress(blocks)])

save("tiff_gray_alpha_rgba.tif", rgba.convert("LA"), compression="tiff_lzw")
camera = Image.Exif()
camera[0x0112], camera[0x010F] = 6, "Maker"
camera.get_ifd(0x8769)[0x829A], camera.get_ifd(0x8769)[0x9003] = TiffImagePlugin.IFDRational(1, 125), "2026:11:29 12:00:00"
camera.get_ifd(0x8825)[1], camera.get_ifd(0x8825)[2] = "N", (48.0, 12.0, 1.5)
profile = bytes(range(256))
save("webp_exif_6.webp", picture, exif=camera, icc_profile=profile, lossless=True)
save("png_exif_camera_6.png", picture, exif=camera, icc_profile=profile)
save("jpeg_exif_camera_6.jpg", picture, exif=camera, icc_profile=profile)


def directory(offset, fields):
    """A directory at an offset: `fields` has tags, types, counts and values as bytes."""
    entries, rest = struct.pack("<H", len(fields)), b""
    behind = offset + 2 + 12 * len(fields) + 4
    for tag, kind, count, content in fields:
        entries += struct.pack("<HHI", tag, kind, count)
        if len(content) <= 4:
            entries += content.ljust(4, b"\0")
        else:
            entries += struct.pack("<I", behind + len(rest))
            rest += content + bytes(len(content) % 2)
    return entries + bytes(4) + rest


def with_camera(end):
    """The same data as `camera` in a TIFF, whose directories of EXIF and GPS begin at `end`."""
    details = directory(end, [(0x829A, 5, 1, struct.pack("<2I", 1, 125)),
                              (0x9003, 2, 20, b"2026:11:29 12:00:00\0")])
    fields = basic(eight, 2, orientation=6)
    fields[0x8769], fields[0x8825], fields[34675] = end, end + len(details), list(struct.unpack("<64I", profile))
    place = directory(end + len(details), [(1, 2, 2, b"N\0"), (2, 5, 3, struct.pack("<6I", 48, 1, 12, 1, 3, 2))])
    return tiff(fields, [plain]), details + place


files["tiff_exif_6.tif"] = b"".join(with_camera(len(with_camera(0)[0])))


def jpeg(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", **options)
    return buffer.getvalue()


def literal(data): return b"".join(
    bytes([len(data[i:i + 128]) - 1]) + data[i:i + 128] for i in range(0, len(data), 128))


def predicted(tile, pixel, side=16): return bytes(
    (tile[i] - (tile[i - pixel] if i % (side * pixel) >= pixel else 0)) & 255 for i in range(len(tile)))


squares = [Image.frombytes("RGB", (16, 16), tile) for tile in tiles(plain, 3)]
files["tiff_tiles_jpeg_420.tif"] = tiff(basic(eight, 6, compression=7, side=16, subsampling=[2, 2]), [
    jpeg(square, quality=90, subsampling="4:2:0") for square in squares], tiled=True)
files["tiff_strips_jpeg_422.tif"] = tiff(basic(eight, 6, compression=7, rows=8, subsampling=[2, 1]), [
    jpeg(picture.crop((0, y, W, min(y + 8, H))), quality=90, subsampling="4:2:2") for y in range(0, H, 8)])
files["tiff_tiles_differences.tif"] = tiff(basic(eight, 2, compression=8, predictor=2, side=16), [
    zlib.compress(predicted(tile, 3)) for tile in tiles(plain, 3)], tiled=True)
files["tiff_tiles_big.tif"] = tiff(basic(eight, 2, side=16), tiles(plain, 3), tiled=True, big=True)
files["tiff_planes_packbits.tif"] = tiff(basic(eight, 2, compression=32773, planes=2), [
    literal(plain[c::3]) for c in range(3)])
channels = [b"".join(struct.pack("<H", value * 257 ^ 0x5a) for value in plain[c::3]) for c in range(3)]
files["tiff_16_planes.tif"] = tiff(
    basic([16] * 3, 2, compression=8, planes=2), [zlib.compress(channel) for channel in channels])
files["tiff_16_cmyk.tif"] = tiff(basic([16] * 4, 5), [
    b"".join(struct.pack("<H", value * 257 ^ 0x5a) for value in picture.convert("CMYK").tobytes())])
steep = [value * 257 ^ 0x5a for value in gray]
files["tiff_16_gray.tif"] = tiff(basic([16], 1), [struct.pack("<%dH" % len(steep), *steep)])
files["tiff_16_gray_big_endian.tif"] = tiff(
    basic([16], 1), [struct.pack(">%dH" % len(steep), *steep)], order=">")
files["tiff_16_gray_12.tif"] = tiff(basic([12], 1), [bits([value >> 4 for value in steep], 12)])

# PNM and QOI
flat = " ".join(map(str, plain)).encode()
ones = [value >> 7 for value in gray]
files["pnm_p1.pbm"] = b"P1 # text\n%d %d\n" % (W, H) + b"".join(
    b"".join(b"%d" % bit for bit in ones[y * W:(y + 1) * W]) + b"\n" for y in range(H))
files["pnm_p2.pgm"] = b"P2 %d %d\n15\n" % (W, H) + " ".join(str(value >> 4) for value in gray).encode()
files["pnm_p3.ppm"] = b"P3\n# text\n%d %d\n255\n" % (W, H) + flat
files["pnm_p4.pbm"] = b"P4\n%d %d\n" % (W, H) + bits(ones, 1)
files["pnm_p5.pgm"] = b"P5\n%d %d\n255\n" % (W, H) + bytes(gray)
files["pnm_p5_100.pgm"] = b"P5\n%d %d\n100\n" % (W, H) + bytes(value * 100 // 255 for value in gray)
files["pnm_p6.ppm"] = b"P6\n%d %d\n255\n" % (W, H) + plain
files["pnm_16_p6.ppm"] = b"P6\n%d %d\n65535\n" % (W, H) + b"".join(struct.pack(">H", value * 257) for value in plain)
for name, depth, kind, data in [("gray", 1, b"GRAYSCALE", bytes(gray)), ("rgb", 3, b"RGB", plain),
                                ("rgba", 4, b"RGB_ALPHA", rgba.tobytes())]:
    files[f"pnm_p7_{name}.pam"] = (b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL 255\nTUPLTYPE %s\nENDHDR\n"
                                   % (W, H, depth, kind)) + data
    known[f"pnm_p7_{name}.pam"] = b"".join(bytes([value] * 3) for value in data) if depth == 1 else data
save("qoi_rgb.qoi", picture)
save("qoi_rgba.qoi", rgba)

# Icons and cursors: a directory, and bitmaps without a file header, with a mask behind them, or PNGs.

def icon(kind, pictures):
    """`pictures`: width, height, bits a pixel, bytes."""
    head, rest = struct.pack("<HHH", 0, kind, len(pictures)), b""
    for width, height, depth, data in pictures:
        head += struct.pack("<BBBBHHII", width, height, 0, 0, 1, depth, len(data), 6 + 16 * len(pictures) + len(rest))
        rest += data
    return head + rest


def padded(row): return row + bytes(-len(row) % 4)


def bare(depth, rows, colors=b""):
    mask = [bytes(int("".join("1" if x % 3 == y % 4 else "0" for x in range(W)).ljust(24, "0")[i:i + 8], 2)
                  for i in range(0, 24, 8)) for y in range(H)]
    head = struct.pack("<IiiHHIIiiII", 40, W, 2 * H, 1, depth, 0, 0, 0, 0, len(colors) // 4, 0)
    return head + colors + b"".join(map(padded, reversed(rows))) + b"".join(map(padded, reversed(mask)))


def row(y, *order): return bytes(value for x in range(W) for value in
                                 [((*rgb(x, y), alpha.getpixel((x, y)))[c]) for c in order])


deep, fine = bare(24, [row(y, 2, 1, 0) for y in range(H)]), bare(32, [row(y, 2, 1, 0, 3) for y in range(H)])
few = bare(4, [bytes((x * 3 + y) % 16 << 4 | (x * 5 + y) % 16 for x in range(10)) for y in range(H)],
           b"".join(bytes([i * 16, 255 - i * 9, i * i, 0]) for i in range(16)))
buffer = io.BytesIO()
rgba.save(buffer, "png")
files["ico_png_rgba.ico"] = icon(1, [(W, H, 32, buffer.getvalue())])
files["ico_24_mask_rgba.ico"] = icon(1, [(W, H, 24, deep)])
files["ico_32_rgba.ico"] = icon(1, [(W, H, 32, fine)])
files["ico_4_mask_rgba.ico"] = icon(1, [(W, H, 4, few)])
small = io.BytesIO()
rgba.resize((8, 8)).save(small, "png")
files["ico_largest_rgba.ico"] = icon(1, [(8, 8, 32, small.getvalue()), (W, H, 32, fine), (8, 8, 32, small.getvalue())])
files["cur_24.cur"] = icon(2, [(W, H, 3, deep)])

# Animations, and pages: frames in parts of the picture, disposed of in every way.
def frame(shift, box):
    """The drawing with a hole, moved, and nothing outside the box."""
    part = Image.new("RGBA", (W, H))
    part.paste(rgba.transform((W, H), Image.AFFINE, (1, 0, shift, 0, 1, 0)).crop(box), box[:2])
    hard = part.getchannel("A").point(lambda value: 255 if value > 90 else 0)
    part.putalpha(hard)
    return part


moves = [frame(0, (0, 0, W, H)), frame(3, (4, 2, 15, 11)), frame(-5, (0, 0, 9, 9)), frame(7, (8, 5, 19, 13))]
save("gif_disposals_rgba.gif", moves[0], save_all=True, append_images=moves[1:], disposal=[1, 3, 2, 1], optimize=False)
save("png_disposals_rgba.png", moves[0], save_all=True, append_images=moves[1:], disposal=[0, 2, 1, 0],
     blend=[0, 1, 1, 0])
save("png_separate_default_rgba.png", moves[3], save_all=True, append_images=moves[:3], default_image=True)
soft = [clear.resize((40, 30)), Image.new("RGBA", (40, 30)), clear.resize((40, 30)).transpose(Image.FLIP_TOP_BOTTOM)]
soft[1].paste(clear.resize((20, 14)), (11, 7))
save("webp_blended_rgba.webp", soft[0], save_all=True, append_images=soft[1:], duration=50, lossless=True)


def riff(name, data): return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def three(*numbers): return b"".join(struct.pack("<I", number)[:3] for number in numbers)


def mixed(width, height, frames):
    """An animation that Pillow does not write: frames as they are, with their places, disposals and blending."""
    chunks = riff(b"VP8X", bytes([0x12, 0, 0, 0]) + three(width - 1, height - 1)) + riff(b"ANIM", bytes(6))
    for image, x, y, is_cleared, is_blended, options in frames:
        buffer = io.BytesIO()
        image.save(buffer, "webp", **options)
        inner, at = b"", 12
        while at < len(buffer.getvalue()):
            size = struct.unpack("<I", buffer.getvalue()[at + 4:at + 8])[0]
            chunk = buffer.getvalue()[at:at + 8 + size + size % 2]
            if chunk[:4] in (b"ALPH", b"VP8 ", b"VP8L"): inner += chunk
            at += len(chunk)
        head = three(x // 2, y // 2, image.width - 1, image.height - 1, 40) + bytes([is_cleared | (not is_blended) << 1])
        chunks += riff(b"ANMF", head + inner)
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


faint, exact = clear.resize((24, 20)), dict(lossless=True, exact=True)
files["webp_mixed_rgba.webp"] = mixed(24, 20, [
    (faint, 0, 0, 0, 1, exact), (faint.crop((2, 3, 17, 14)), 4, 2, 1, 1, exact),
    (faint.crop((5, 5, 19, 19)), 6, 0, 1, 1, dict(quality=70)), (faint.rotate(180), 0, 0, 1, 0, exact),
    (faint.crop((0, 0, 11, 9)), 2, 8, 0, 1, exact), (faint.crop((4, 4, 20, 12)), 0, 6, 0, 1, exact)])
save("tiff_pages.tif", picture, save_all=True, append_images=[picture.convert("L"), moves[1].convert("RGB")],
     compression="tiff_lzw")


def shown(image):
    """RGBA, and what is clear black."""
    return b"".join(struct.pack("4B", *pixel) if pixel[3] else b"\0\0\0\0"
                    for pixel in image.convert("RGBA").getdata())


with open(os.path.join(root, "frames.tsv"), "w") as table:
    print("name", "frame", "sha", sep="\t", file=table)
    for name, data in sorted(files.items()):
        count = 1 if name in known else getattr(Image.open(io.BytesIO(data)), "n_frames", 1)
        for number in range(count if count > 1 and not name.startswith("ico") else 0):
            # Opened anew: what was shown before changes what Pillow disposes of.
            read = Image.open(io.BytesIO(data))
            read.seek(number)
            print(name, number, hashlib.sha256(shown(read)).hexdigest(), sep="\t", file=table)

with open(os.path.join(root, "pillow.tsv"), "w") as table:
    print("name", "width", "height", "sha", sep="\t", file=table)
    for name, data in sorted(files.items()):
        with open(os.path.join(folder, name), "wb") as file: file.write(data)
        if name in known:
            print(name, W, H, hashlib.sha256(known[name]).hexdigest(), sep="\t", file=table)
            continue
        read = Image.open(io.BytesIO(data))
        read.seek(0)
        read = ImageOps.exif_transpose(read)
        if read.mode.startswith("I;16"):
            words = struct.unpack((">%dH" if read.mode == "I;16B" else "<%dH") % (W * H), read.tobytes())
            read = Image.frombytes("L", read.size, bytes(word >> (4 if name.endswith("_12.tif") else 8) for word in words))
        pixels = read.convert("RGBA" if "rgba" in name else "RGB")
        print(name, *pixels.size, hashlib.sha256(pixels.tobytes()).hexdigest(), sep="\t", file=table)


class Incremental:
    """libwebp's incremental decoder, of the library that Pillow brings along."""

    def __init__(self):
        libraries = glob.glob(os.path.join(os.path.dirname(PIL.__file__), "..", "pillow.libs", "*"))
        for path in sorted(libraries):
            if "libsharpyuv" in path: ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        self.webp = next(ctypes.CDLL(path) for path in libraries if "libwebp-" in path)
        number = ctypes.POINTER(ctypes.c_int)
        self.webp.WebPINewRGB.restype = ctypes.c_void_p
        self.webp.WebPINewRGB.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.webp.WebPIUpdate.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
        self.webp.WebPIDecGetRGB.restype = ctypes.POINTER(ctypes.c_uint8)
        self.webp.WebPIDecGetRGB.argtypes = [ctypes.c_void_p] + [number] * 4
        self.webp.WebPIDelete.argtypes = [ctypes.c_void_p]

    def rows(self, data, channels):
        """The rows that are there, each as bytes."""
        decoder = self.webp.WebPINewRGB(1 if channels == 4 else 0, None, 0, 0)
        self.webp.WebPIUpdate(decoder, data, len(data))
        last, width, height, stride = (ctypes.c_int() for _ in range(4))
        start = self.webp.WebPIDecGetRGB(decoder, *map(ctypes.byref, (last, width, height, stride)))
        rows = [bytes(start[y * stride.value:y * stride.value + channels * width.value])
                for y in range(last.value if start else 0)]
        self.webp.WebPIDelete(decoder)
        return rows


with open(os.path.join(root, "truncated.tsv"), "w") as table:
    print("name", "bytes", "rows", "sha", sep="\t", file=table)
    decoder = Incremental()
    for name, data in sorted(files.items()):
        if not name.endswith(".webp") or getattr(Image.open(io.BytesIO(data)), "n_frames", 1) > 1: continue
        for eighth in range(1, 8):
            cut = data[:len(data) * eighth // 8]
            rows = decoder.rows(cut, 4 if "rgba" in name else 3)
            print(name, len(cut), len(rows), hashlib.sha256(b"".join(rows)).hexdigest(), sep="\t", file=table)
