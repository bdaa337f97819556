"""Makes the clips under cases/ that more-cases.test.ts reads, but for cases/reported, and cases/references.json: what ffmpeg shows.

A clip is of one kind: its folder. Every frame carries its index as eight blocks along its top; below are a disc that
moves right, and eight patches of known colours. The references are the means of cells of 8x8 pixels of every frame, as the ffmpeg
program extracts it. Run once, by hand; needs Python, ffmpeg 5.1 with x264, x265, aom, vpx, zimg and webp, and mkvtoolnix 74:
    python3 test/support/media/make-cases.py
"""

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


def times() -> None:
    base = WORK / "base.mp4"
    ffmpeg(*frames_of(15), *converted("yuv420p"), *X264, "-bf", 2, base)
    data = base.read_bytes()
    tick = 12288 // RATE  # of the track; the movie's are milliseconds

    def edited(name: str, edits: list[tuple[float, int]]) -> None:
        # B-frames put the first frame's time two frames behind 0.
        ticks = [(round(n * 1000 / RATE), begin if begin < 0 else (begin + 2) * tick) for n, begin in edits]
        out(name).write_bytes(with_edits(data, ticks))
        reference(name)

    edited("times/start-trimmed.mp4", [(11, 4)])
    edited("times/start-trimmed-at-key.mp4", [(10, 5)])
    edited("times/begins-late.mp4", [(6, -1), (15, 0)])
    edited("times/begins-late-and-trimmed.mp4", [(6, -1), (12, 3)])
    edited("times/end-trimmed.mp4", [(9, 0)])
    edited("times/middle-cut-out.mp4", [(5, 0), (5, 10)])
    uneven = ["-vf", f"setpts=(N+N*N/8)/{RATE}/TB,scale=flags={SCALING},format=yuv420p", "-fps_mode", "vfr"]
    for name in ["times/uneven.mp4", "times/uneven.mkv"]:
        ffmpeg(*frames_of(), *uneven, "-enc_time_base", "1:1000", *X264, out(name))
        reference(name, variableFrameRate=True)
    fragments = ["-movflags", "frag_keyframe+empty_moov+default_base_moof"]
    ffmpeg("-i", base, "-c", "copy", *fragments, out("times/fragments.mp4"))
    reference("times/fragments.mp4")
    run("mkvmerge", "--deterministic", "1", "--no-cues", "-o", out("times/no-cues.mkv"), base)
    reference("times/no-cues.mkv")
    sound = ["-f", "lavfi", "-i", "sine=r=8000:d=0.8", "-c:a", "aac", "-b:a", "16k"]
    mapped = ["-map", "1:a", "-map", "0:v"]
    ffmpeg(*frames_of(), *sound[:4], *sound[4:], *mapped, *converted("yuv420p"), *X264, out("times/sound-first.mp4"))
    reference("times/sound-first.mp4", sounds=1)
    ffmpeg(*frames_of(), "-f", "lavfi", "-i", "color=red:s=64x48:r=12:d=1", "-map", "1:v", "-map", "0:v",
           "-disposition:v:0", "0", "-disposition:v:1", "default", "-pix_fmt", "yuv420p", *X264,
           out("times/second-track-is-default.mkv"))  # fmt: skip
    reference("times/second-track-is-default.mkv", track="0:v:1")


def gops() -> None:
    """How frames lean on each other; read from any start by the test of properties too."""
    def clip(name: str, *encoder: object) -> None:
        ffmpeg(*frames_of(40), *converted("yuv420p"), *encoder, out(name))
        reference(name)

    x264 = [*ONE_THREAD, "-c:v", "libx264", "-crf", "20"]
    clip("gops/closed.mp4", *x264, "-g", 8, "-bf", 2)
    clip("gops/open.mp4", *x264, "-g", 8, "-bf", 3, "-x264-params", "open-gop=1:scenecut=0")
    clip("gops/intra-refresh.mp4", *x264, "-x264-params", "intra-refresh=1:keyint=10:bframes=0:scenecut=0")
    clip("gops/pyramid.mp4", *x264, "-g", 16, "-x264-params", "bframes=7:b-pyramid=normal:b-adapt=0:scenecut=0:ref=5")
    # Only a second pass puts in pictures that are not shown, and others that show what was decoded before.
    vp9 = [*ONE_THREAD, "-c:v", "libvpx-vp9", "-b:v", 0, "-crf", 40, "-g", 20, "-auto-alt-ref", 6, "-lag-in-frames", 25,
           "-passlogfile", WORK / "vp9"]  # fmt: skip
    ffmpeg(*frames_of(40), *converted("yuv420p"), *vp9, "-pass", 1, "-f", "null", "-")
    clip("gops/vp9-alternate.webm", *vp9, "-pass", 2)
    clip("gops/av1.mp4", *ONE_THREAD, "-c:v", "libaom-av1", "-crf", "24", "-g", 16, "-cpu-used", 6,
         "-lag-in-frames", 16)  # fmt: skip
    hevc = [*X265, "-tag:v", "hvc1", "-x265-params", f"{X265_PARAMS}:keyint=8:min-keyint=8:open-gop=1:bframes=3:scenecut=0"]
    clip("gops/hevc-cra.mp4", *hevc)
    clip("gops/mpeg2-open.m2t", *ONE_THREAD, "-c:v", "mpeg2video", "-q:v", 3, "-g", 8, "-bf", 2)
    # From the second random access on: the pictures that lead it lean on what is gone.
    ffmpeg("-i", out("gops/hevc-cra.mp4"), "-c", "copy", "-bsf:v", "noise=drop=lt(n\\,8)", out("gops/hevc-cra-cut.mkv"))
    reference("gops/hevc-cra-cut.mkv")
    ffmpeg("-i", out("gops/open.mp4"), "-c", "copy", "-bsf:v", "noise=drop=lt(n\\,8)", out("gops/open-cut.mkv"))
    reference("gops/open-cut.mkv")


def cuts() -> None:
    base = WORK / "cut-base.mkv"
    ffmpeg(*frames_of(15), *converted("yuv420p"), *X264, "-bf", 0, base)
    for ending in ["m2t", "flv", "avi", "mkv", "mp4"]:
        name = f"cuts/no-leading-key.{ending}"
        raw = ",h264_mp4toannexb" if ending == "avi" else ""
        ffmpeg("-i", base, "-c", "copy", "-bsf:v", f"noise=drop=lt(n\\,2){raw}", out(name))
        reference(name)
    mpeg4 = WORK / "mpeg4.avi"
    ffmpeg(*frames_of(15), *converted("yuv420p"), *ONE_THREAD, "-c:v", "mpeg4", "-q:v", 3, "-g", 5, "-bf", 0, mpeg4)
    ffmpeg("-i", mpeg4, "-c", "copy", "-bsf:v", "noise=drop=lt(n\\,2)", out("cuts/mpeg4-no-leading-key.avi"))
    # ffmpeg makes three frames up of what leans on the missing one.
    reference("cuts/mpeg4-no-leading-key.avi", "select=gte(n\\,3)")
    others = {
        "hevc-no-leading-key.mkv": [*X265, "-x265-params", f"{X265_PARAMS}:keyint=5:min-keyint=5:bframes=0:open-gop=0"],
        "vp9-no-leading-key.webm": [*ONE_THREAD, "-c:v", "libvpx-vp9", "-b:v", 0, "-crf", 24, "-g", 5],
        "vp8-no-leading-key.webm": [*ONE_THREAD, "-c:v", "libvpx", "-b:v", "500k", "-g", 5, "-auto-alt-ref", 0],
        "mpeg2-no-leading-key.m2t": [*ONE_THREAD, "-c:v", "mpeg2video", "-q:v", 3, "-g", 5, "-bf", 0],
        "wmv2-no-leading-key.wmv": [*ONE_THREAD, "-c:v", "wmv2", "-q:v", 3, "-g", 5],
        "flv1-no-leading-key.flv": [*ONE_THREAD, "-c:v", "flv", "-q:v", 3, "-g", 5],
    }
    for name, encoder in others.items():
        whole = WORK / name
        ffmpeg(*frames_of(15), *converted("yuv420p"), *encoder, whole)
        ffmpeg("-i", whole, "-c", "copy", "-bsf:v", "noise=drop=lt(n\\,2)", out(f"cuts/{name}"))
        # Of these the program makes three frames up.
        reference(f"cuts/{name}", "select=gte(n\\,3)" if name[:4] in ("hevc", "wmv2", "flv1") else "")
    plain = WORK / "plain.mp4"
    ffmpeg(*frames_of(), *converted("yuv420p"), *X264, plain)
    out("cuts/bytes-behind.mp4").write_bytes(plain.read_bytes() + b"\0\0\0\x20cam0" + b"camera " * 9)
    reference("cuts/bytes-behind.mp4")
    ffmpeg("-i", plain, "-c", "copy", WORK / "plain.mkv")
    out("cuts/bytes-behind.mkv").write_bytes((WORK / "plain.mkv").read_bytes() + bytes(100))
    reference("cuts/bytes-behind.mkv")
    png = WORK / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=96x96", "-frames:v", 1, png)
    ffmpeg("-i", png, "-i", plain, "-map", 0, "-map", 1, "-c", "copy", "-disposition:v:0", "attached_pic",
           out("cuts/cover.mp4"))  # fmt: skip
    reference("cuts/cover.mp4", track="0:v:0")
    run("mkvmerge", "--deterministic", "1", "-o", out("cuts/attachment.mkv"), "--attachment-mime-type", "image/png",
        "--attach-file", png, plain)  # fmt: skip
    reference("cuts/attachment.mkv")


def turns() -> None:
    ways = {
        "0": (1, 0, 0, 1), "90": (0, 1, -1, 0), "180": (-1, 0, 0, -1), "270": (0, -1, 1, 0),
        "mirrored": (-1, 0, 0, 1), "mirrored-90": (0, -1, -1, 0),
        "mirrored-180": (1, 0, 0, -1), "mirrored-270": (0, 1, 1, 0),
    }  # fmt: skip
    base = WORK / "turn.mp4"
    ffmpeg(*frames_of(6), *converted("yuv420p"), *X264, base)
    for name, matrix in ways.items():
        facts = {"rotation": int(name.split("-")[-1]) if name[-1] == "0" else 0, "mirrored": "mirrored" in name}
        out(f"turns/{name}.mp4").write_bytes(with_matrix(base.read_bytes(), *matrix))
        reference(f"turns/{name}.mp4", **facts)
    for roll in [90, 180, -90]:
        name = f"turns/roll{roll}.mkv"
        run("mkvmerge", "--deterministic", "1", "-o", out(name), "--projection-type", "0:0",
            "--projection-pose-roll", f"0:{roll}", base)  # fmt: skip
        reference(name, rotation=-roll % 360)
    # The program turns only the first frame, whose picture data tell it; they hold for those that follow.
    for degrees in [90, 180]:
        name = f"turns/told-by-pictures-{degrees}.mkv"
        ffmpeg("-i", base, "-c", "copy", "-bsf:v", f"h264_metadata=display_orientation=insert:rotate={degrees}", out(name))
        made[name] = made[f"turns/{360 - degrees}.mp4"]
    name = "turns/yaw180.mkv"
    run("mkvmerge", "--deterministic", "1", "-o", out(name), "--projection-type", "0:0",
        "--projection-pose-yaw", "0:180", base)  # fmt: skip
    reference(name, mirrored=True)


def shapes() -> None:
    for name, aspect, matrix in [
        ("8-9.mp4", "8/9", None), ("32-27.mkv", "32/27", None), ("1-2.mp4", "1/2", None),
        ("1-2-turned-90.mp4", "1/2", (0, 1, -1, 0)), ("64-45.m2t", "64/45", None),
    ]:  # fmt: skip
        path = out(f"shapes/{name}")
        scaling = converted("yuv420p")[1]
        ffmpeg(*frames_of(6), "-vf", f"{scaling},setsar={aspect}", *X264, path)
        if matrix:
            path.write_bytes(with_matrix(path.read_bytes(), *matrix))
        top, bottom = map(int, aspect.split("/"))
        reference(f"shapes/{name}", aspect=[top, bottom], **({"rotation": 90} if matrix else {}))
    base = WORK / "crop.mp4"
    ffmpeg(*frames_of(6, 96, 64), *converted("yuv420p"), *X264, base)
    run("mkvmerge", "--deterministic", "1", "-o", out("shapes/cropped.mkv"), "--cropping", "0:8,4,24,12",
        "--display-dimensions", "0:64x48", base)  # fmt: skip
    reference("shapes/cropped.mkv", "crop=64:48:8:4")
    out("shapes/aperture.mp4").write_bytes(with_aperture(base.read_bytes(), 64, 48, -8, -4))
    reference("shapes/aperture.mp4", "crop=64:48:8:4")
    # H.264 codes whole blocks; what is beyond 62x46 is cut by the stream itself.
    ffmpeg(*frames_of(6, 62, 46), *converted("yuv420p"), *X264, out("shapes/62x46.mp4"))
    reference("shapes/62x46.mp4")
    parts = [WORK / "first.m2t", WORK / "second.m2t"]
    for part, size in zip(parts, [(64, 48), (96, 72)]):
        ffmpeg(*frames_of(5, *size), *converted("yuv420p"), *X264, "-bf", 0, part)
    out("shapes/size-changes.m2t").write_bytes(b"".join(part.read_bytes() for part in parts))


def pixels() -> None:
    def clip(name: str, to: list[object], *encoder: object, filters: str = "", **facts: object) -> None:
        ffmpeg(*frames_of(facts.pop("count", 6)), *to, *encoder, out(f"pixels/{name}"))
        reference(f"pixels/{name}", filters, **facts)

    lossless = [*ONE_THREAD, "-c:v", "ffv1", "-level", 3, "-g", 1]
    clip("rgb-h264.mp4", [], *ONE_THREAD, "-c:v", "libx264rgb", "-crf", 12, pixelFormat="gbrp")
    clip("422-full.mp4", converted("yuvj422p", levels="pc"), *X264, pixelFormat="yuvj422p")
    clip("420-full.mp4", converted("yuv420p", "bt709", "pc"), *X264, *tags("bt709", "bt709", "bt709", "pc"))
    clip("444.mp4", converted("yuv444p"), *X264, pixelFormat="yuv444p")
    clip("444-10.mkv", converted("yuv444p10le"), *X264, pixelFormat="yuv444p10le")
    # Its frames say that they do not know their matrix, its container that it is BT.709; ffmpeg 5.1 goes by the frames.
    clip("422-10.mov", converted("yuv422p10le", "bt709"), *ONE_THREAD, "-c:v", "prores_ks", "-profile:v", 0, *BT709,
         filters="setparams=colorspace=bt709")  # fmt: skip
    clip("440.mkv", converted("yuv440p"), *lossless, count=3, pixelFormat="yuv440p")
    clip("411.mkv", converted("yuv411p"), *lossless, count=3, pixelFormat="yuv411p")
    clip("410.mkv", converted("yuv410p"), *lossless, count=3, pixelFormat="yuv410p")
    clip("440-mjpeg.avi", converted("yuvj440p", levels="pc"), *ONE_THREAD, "-c:v", "mjpeg", "-q:v", 2, count=4)
    clip("420-mjpeg.avi", converted("yuvj420p", levels="pc"), *ONE_THREAD, "-c:v", "mjpeg", "-q:v", 2, count=4)
    clip("grey.mp4", ["-vf", "format=gray"], *X264)
    grey = [*X265, "-tag:v", "hvc1", "-x265-params", X265_PARAMS]
    clip("grey-10.mp4", ["-vf", "format=gray10le"], *grey, pixelFormat="gray10le")
    clip("420-10.mp4", converted("yuv420p10le", "bt709"), *X264, *BT709, pixelFormat="yuv420p10le")
    clip("420-12.mp4", converted("yuv420p12le", "bt709"), *grey, *BT709, pixelFormat="yuv420p12le")
    clip("hevc.mp4", converted("yuv420p"), *grey)
    clip("av1-10.mkv", converted("yuv420p10le", "bt709"), *ONE_THREAD, "-c:v", "libaom-av1", "-crf", 16,
         "-cpu-used", 6, *BT709)  # fmt: skip
    clip("vp9-444.webm", converted("yuv444p", "bt709"), *ONE_THREAD, "-c:v", "libvpx-vp9", "-b:v", 0, "-crf", 12, *BT709)
    clip("vp9.ivf", converted("yuv420p"), *ONE_THREAD, "-c:v", "libvpx-vp9", "-b:v", 0, "-crf", 16)
    clip("mpeg4.avi", converted("yuv420p"), *ONE_THREAD, "-c:v", "mpeg4", "-q:v", 2, "-bf", 2, count=10)
    clip("mpeg1.mpg", converted("yuv420p"), *ONE_THREAD, "-c:v", "mpeg1video", "-q:v", 2, "-r", 25, count=10)
    clip("theora.ogv", converted("yuv420p"), *ONE_THREAD, "-c:v", "libtheora", "-q:v", 9)
    clip("wmv2.wmv", converted("yuv420p"), *ONE_THREAD, "-c:v", "wmv2", "-q:v", 2)
    clip("rgb-555.mov", [], *ONE_THREAD, "-c:v", "rpza", "-pix_fmt", "rgb555", count=3)
    clip("rgb-qtrle.mov", [], *ONE_THREAD, "-c:v", "qtrle", "-pix_fmt", "rgb24", count=3)
    clip("png.mov", [], *ONE_THREAD, "-c:v", "png",
         "-pix_fmt", "rgb24", count=3)  # fmt: skip
    clip("palette-smc.mov", [], *ONE_THREAD, "-c:v", "smc", count=4, pixelFormat="pal8")
    clip("dnxhr.mxf", [*converted("yuv422p", "bt709")[:1], converted("yuv422p", "bt709")[1].replace("scale=", "scale=256:120:")],
         *ONE_THREAD, "-c:v", "dnxhd", "-profile:v", "dnxhr_lb", "-r", 25, *BT709, count=2)  # fmt: skip
    clip("raw.avi", [], "-c:v", "rawvideo", "-pix_fmt", "bgr24", count=2)
    clip("420.y4m", converted("yuv420p"), count=3)


# Left half see-through by half, the right one by steps.
ALPHA = "format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(lt(X,W/2),128,if(lt(Y,H/2),255,0))'"
ON_BLACK = f"scale=flags={SCALING},format=gbrap,premultiply=inplace=1,format=gbrp"


def alphas() -> None:
    def clip(name: str, pixel: str, *encoder: object, count: int = 4, decoder: tuple = ()) -> None:
        to = ["-vf", f"{ALPHA},scale=flags={SCALING},format={pixel}"]
        ffmpeg(*frames_of(count), *to, *ONE_THREAD, *encoder, out(f"alphas/{name}"))
        reference(f"alphas/{name}", ON_BLACK, decoder, alpha=True)

    vpx = ("-c:v", "libvpx-vp9")
    clip("vp9.webm", "yuva420p", *vpx, "-b:v", 0, "-crf", 12, "-auto-alt-ref", 0, decoder=vpx)
    clip("vp8.webm", "yuva420p", "-c:v", "libvpx", "-b:v", "1M", "-crf", 8, "-auto-alt-ref", 0, decoder=("-c:v", "libvpx"))
    clip("prores-4444.mov", "yuva444p10le", "-c:v", "prores_ks", "-profile:v", "4444", "-alpha_bits", 16)
    clip("ffv1-rgb.mkv", "bgra", "-c:v", "ffv1", "-level", 3)
    clip("ffv1-yuv.mkv", "yuva444p", "-c:v", "ffv1", "-level", 3)
    clip("ffv1-16.mkv", "gbrap16le", "-c:v", "ffv1", "-level", 3, count=2)
    clip("qtrle.mov", "argb", "-c:v", "qtrle")
    clip("png.mov", "rgba64be", "-c:v", "png", count=2)
    clip("animated.png", "rgba", "-f", "apng", "-plays", 0)


def animations() -> None:
    ffmpeg(*frames_of(), *ONE_THREAD, "-f", "apng", "-plays", 0, out("animations/opaque.png"))
    reference("animations/opaque.png")
    ffmpeg(*frames_of(8), *converted("yuv420p"), *ONE_THREAD, "-c:v", "libaom-av1", "-crf", 12, "-cpu-used", 6,
           out("animations/sequence.avif"))  # fmt: skip
    reference("animations/sequence.avif")
    ffmpeg(*frames_of(8), "-c:v", "libwebp_anim", "-lossless", 1, "-loop", 0, out("animations/animated.webp"))
    drawn("animations/animated.webp", 8)


TONE_MAPPED = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=gbr:r=pc"
)
NARROWED = "zscale=t=linear,format=gbrpf32le,zscale=p=bt709,zscale=t=bt709:m=gbr:r=pc"


def colours() -> None:
    def clip(name: str, to: list[object], marks: list[object], *, filters: str = "", deep: bool = False, **facts: object) -> None:
        codec = [*X265, "-tag:v", "hvc1", "-x265-params", X265_PARAMS] if deep else X264
        ffmpeg(*frames_of(4), *to, *codec, *marks, out(f"colours/{name}"))
        reference(f"colours/{name}", filters, treatment=facts.pop("treatment", "matrix"), **facts)

    wide = converted("yuv420p10le", "bt2020")
    hdr = {"filters": TONE_MAPPED, "deep": True, "treatment": "tone-map"}
    clip("pq.mp4", wide, tags("bt2020nc", "bt2020", "smpte2084"), **hdr)
    clip("hlg.mp4", wide, tags("bt2020nc", "bt2020", "arib-std-b67"), **hdr)
    narrowed = {"filters": NARROWED, "treatment": "wide-gamut"}
    clip("bt2020.mp4", wide, tags("bt2020nc", "bt2020", "bt2020-10"), deep=True, **narrowed)
    clip("display-p3.mov", converted("yuv420p", "bt709"), tags("bt709", "smpte432", "iec61966-2-1"), **narrowed)
    clip("smpte240m.mp4", converted("yuv420p", "smpte240m"), tags("smpte240m", "smpte240m", "smpte240m"))
    clip("fcc.mkv", converted("yuv420p", "fcc"), ["-colorspace", "fcc"])
    clip("pal.mp4", converted("yuv420p"), tags("bt470bg", "bt470bg", "gamma28"))
    clip("ntsc.mp4", converted("yuv420p"), tags("smpte170m", "smpte170m", "smpte170m"))
    clip("bt709.mp4", converted("yuv420p", "bt709"), BT709)
    clip("untagged.mp4", converted("yuv420p"), [])
    ycgco = ["-vf", "format=gbrp,zscale=matrix=ycgco:range=limited,format=yuv444p"]
    clip("ycgco.mp4", ycgco, ["-colorspace", "ycgco"], filters="zscale=m=gbr:r=pc,format=gbrp")
    constant = ["-vf", "format=gbrp10le,zscale=matrixin=gbr:transferin=2020_10:primariesin=2020:rangein=full:matrix=2020_cl:transfer=2020_10:primaries=2020:range=limited,format=yuv444p10le"]
    clip("bt2020-constant.mp4", constant, tags("bt2020c", "bt2020", "bt2020-10"), deep=True, **narrowed)


def fields() -> None:
    weaving = {"top": "interleave_top", "bottom": "interleave_bottom"}
    for first, mode in weaving.items():
        frames = frames_of(20, 64, 48, 24)
        flags = ["-flags", "+ilme+ildct", "-top", 1 if first == "top" else 0]
        woven = ["-vf", f"tinterlace={mode},scale=interl=1:flags={SCALING},format=yuv420p,setfield={first[0]}ff"]
        mpeg2 = [*ONE_THREAD[:2], "-c:v", "mpeg2video", "-q:v", 2, "-g", 5, "-bf", 2]
        field = "bwdif=mode=send_frame:deint=interlaced"
        ffmpeg(*frames, *woven, *mpeg2, *flags, out(f"fields/{first}.m2t"))
        reference(f"fields/{first}.m2t", field, interlaced=True)
        # As camcorders write it: packets of 192 bytes, each after its time.
        if first == "top":
            ffmpeg("-i", out("fields/top.m2t"), "-c", "copy", "-mpegts_m2ts_mode", 1, out("fields/camcorder.m2ts"))
            reference("fields/camcorder.m2ts", field, interlaced=True)
        x264 = ["-x264-params", f"{'tff' if first == 'top' else 'bff'}=1", *X264]
        ffmpeg(*frames, *woven, *x264, out(f"fields/{first}.mp4"))
        reference(f"fields/{first}.mp4", field, interlaced=True)


KINDS = [times, gops, cuts, turns, shapes, pixels, alphas, animations, colours, fields]

if __name__ == "__main__":
    chosen = sys.argv[1:]
    if chosen and REFERENCES.exists():
        made.update(json.loads(REFERENCES.read_text()))
    for kind in KINDS:
        if not chosen or kind.__name__ in chosen:
            kind()
    REFERENCES.write_text(json.dumps(made, indent=2) + "\n")
