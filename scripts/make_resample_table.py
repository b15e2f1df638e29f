#!/usr/bin/env python3
"""Prints the checksums of images that Pillow resized, for Tests/ImagingTests/PillowResizerTests.swift.

usage: make_resample_table.py     needs: pip install pillow numpy"""
import zlib
import numpy as np
from PIL import Image

SIZES = [(1, 1, 3, 2), (7, 5, 224, 160), (61, 47, 32, 32), (200, 150, 341, 256), (151, 233, 97, 64), (64, 64, 64, 64),
         (300, 17, 31, 33), (33, 199, 31, 13), (255, 129, 128, 65)]
FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


def picture(width, height):
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    values = (x * 7 + y * 13 + c * 29 + x * y % 11 * 17) % 256
    # Steps from black to white make the cubic filters overshoot.
    return np.where((x // 5 + y // 3) % 4 == 0, (x + y + c) % 2 * 255, values).astype(np.uint8)


for size in SIZES:
    for name, code in FILTERS.items():
        result = Image.fromarray(picture(*size[:2])).resize(size[2:], code)
        print(f'({size[0]}, {size[1]}, {size[2]}, {size[3]}, .{name}, 0x{zlib.crc32(result.tobytes()):08x}),')
