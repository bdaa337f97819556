"""What make-cases.py makes clips with: pictures that bear their index, ffmpeg, edits of MP4 boxes, and what ffmpeg shows of a clip."""

import base64
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "cases"
REFERENCES = FOLDER / "references.json"
WORK = Path(tempfile.mkdtemp())
RATE = 12
PATCHES = [
    (220, 30, 30), (30, 200, 40), (30, 50, 220), (230, 220, 30),
    (30, 210, 210), (210, 40, 200), (255, 255, 255), (90, 90, 90),
]  # fmt: skip
CELL = 8
SCALING = "accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"


def picture(index: int, width: int, height: int) -> bytes:
    """RGB of one frame."""
    rows = []
    for y in range(height):
        row = bytearray()
        for x in range(width):
            if y < height // 6:
                row += bytes(3) if not index >> (7 - x * 8 // width) & 1 else b"\xff" * 3
            elif y >= height * 4 // 6:
                row += bytes(PATCHES[x * 8 // width])
            else:
                distance = ((x - width // 8 - index * width / 16) ** 2 + (y - height * 0.4) ** 2) ** 0.5
                row += bytes((230, 120, 60) if distance < height * 0.2 else (40, 70, 150))
        rows.append(row)
    return b"".join(rows)


def run(*words: object) -> bytes:
    done = subprocess.run([str(word) for word in words], capture_output=True, check=False)
    # mkvmerge says 1 where it only warns.
    if done.returncode > (1 if words[0] == "mkvmerge" else 0):
        sys.exit(f"{' '.join(map(str, words))}\n{done.stderr.decode()}{done.stdout.decode()}")
    return done.stdout


def ffmpeg(*words: object) -> bytes:
    *others, out = words
    return run("ffmpeg", "-v", "error", "-y", *others, "-fflags", "+bitexact", out)


def frames_of(count: int = 10, width: int = 64, height: int = 48, rate: int = RATE) -> list[object]:
    """Input flags for drawn frames."""
    path = WORK / f"{count}-{width}x{height}.rgb"
    if not path.exists():
        path.write_bytes(b"".join(picture(i, width, height) for i in range(count)))
    return ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", rate, "-i", path]


def converted(pixels: str, matrix: str = "bt601", levels: str = "tv") -> list[object]:
    return ["-vf", f"scale=out_color_matrix={matrix}:out_range={levels}:flags={SCALING},format={pixels}"]


def tags(space: str, primaries: str, transfer: str, levels: str = "tv") -> list[object]:
    return ["-colorspace", space, "-color_primaries", primaries, "-color_trc", transfer, "-color_range", levels]


ONE_THREAD = ["-threads", "1", "-flags:v", "+bitexact"]
X264 = [*ONE_THREAD, "-c:v", "libx264", "-preset", "medium", "-crf", "16", "-g", "5"]
X265 = [*ONE_THREAD, "-c:v", "libx265", "-preset", "medium", "-crf", "12"]
X265_PARAMS = "log-level=error:pools=1:frame-threads=1:info=0"
BT709 = tags("bt709", "bt709", "bt709")
made: dict[str, dict] = {}


def out(name: str) -> Path:
    path = FOLDER / name
    path.parent.mkdir(exist_ok=True)
    return path


def reference(name: str, filters: str = "", decoder: tuple = (), **facts: object) -> None:
    """What the ffmpeg program extracts, and what `probe` must tell beside it."""
    path = out(name)
    chain = ",".join([*([filters] if filters else []), f"scale=flags={SCALING}", "format=rgb24"])
    passing = ["-map", facts.pop("track", "0:v:0"), "-fps_mode", "passthrough"]
    ppm = ffmpeg(*decoder, "-i", path, "-vf", chain, *passing, "-f", "image2pipe", "-c:v", "ppm", "-")
    frames = list(read_ppms(ppm))
    width, height = frames[0][:2]
    made[name] = {
        "frames": len(frames),
        "width": width,
        "height": height,
        **facts,
        "cells": [base64.b64encode(cell_means(*frame)).decode() for frame in frames],
    }
    if path.stat().st_size > 40_000:
        sys.exit(f"{name} has {path.stat().st_size} bytes")


def drawn(name: str, count: int) -> None:
    """For lossless clips that this ffmpeg cannot read: what was drawn."""
    cells = [base64.b64encode(cell_means(64, 48, picture(i, 64, 48))).decode() for i in range(count)]
    made[name] = {"frames": count, "width": 64, "height": 48, "cells": cells}


def read_ppms(data: bytes):
    at = 0
    while at < len(data):
        _, size, _, _ = data[at : at + 40].split(b"\n", 3)
        width, height = map(int, size.split())
        at += len(b"P6\n") + len(size) + len(b"\n255\n")
        yield width, height, data[at : at + width * height * 3]
        at += width * height * 3


def cell_means(width: int, height: int, rgb: bytes) -> bytes:
    means = bytearray()
    for top in range(0, height - CELL + 1, CELL):
        for left in range(0, width - CELL + 1, CELL):
            for channel in range(3):
                total = sum(
                    sum(rgb[start : start + CELL * 3 : 3])
                    for start in ((y * width + left) * 3 + channel for y in range(top, top + CELL))
                )
                means.append(round(total / CELL**2))
    return bytes(means)


def boxes(data: bytes, start: int = 0, end: int | None = None):
    at = start
    while at + 8 <= (len(data) if end is None else end):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind.decode("latin1"), at, size
        at += size


def path_to(data: bytes, *kinds: str) -> list[tuple[int, int]]:
    """Begin and size of each box on the way, outermost first; the first of each kind."""
    way, start, end = [], 0, len(data)
    for kind in kinds:
        at, size = next((at, size) for k, at, size in boxes(data, start, end) if k == kind)
        way.append((at, size))
        # Sample descriptions stand behind a count; of a video one 78 bytes are fields.
        start, end = at + {"stsd": 16, "avc1": 86}.get(kind, 8), at + size
    return way


def insert(data: bytes, way: list[tuple[int, int]], where: int, extra: bytes, cut: int = 0) -> bytes:
    """`extra` in place of `cut` bytes at `where`; the boxes around it grow. Only for files with `moov` last."""
    grown = bytearray(data)
    for at, size in way:
        struct.pack_into(">I", grown, at, size + len(extra) - cut)
    return bytes(grown[:where] + extra + grown[where + cut :])


def with_edits(data: bytes, edits: list[tuple[int, int]]) -> bytes:
    """Edits: (duration in the movie's ticks, begin in the track's; -1 is nothing shown)."""
    entries = b"".join(struct.pack(">Iihh", duration, begin, 1, 0) for duration, begin in edits)
    elst = struct.pack(">I4sII", 16 + len(entries), b"elst", 0, len(edits)) + entries
    edts = struct.pack(">I4s", 8 + len(elst), b"edts") + elst
    *around, (at, size) = path_to(data, "moov", "trak", "edts")
    return insert(data, around, at, edts, cut=size)


def with_matrix(data: bytes, a: int, b: int, c: int, d: int) -> bytes:
    (at, _) = path_to(data, "moov", "trak", "tkhd")[-1]
    one = 1 << 16
    turned = bytearray(data)
    values = (a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", turned, at + 8 + 40, *values)
    return bytes(turned)


def with_aperture(data: bytes, width: int, height: int, right: int, down: int) -> bytes:
    """A clean aperture, its middle so far from the picture's."""
    way = path_to(data, "moov", "trak", "mdia", "minf", "stbl", "stsd", "avc1")
    clap = struct.pack(">I4s8i", 40, b"clap", width, 1, height, 1, right, 1, down, 1)
    at, size = way[-1]
    return insert(data, way, at + size, clap)
