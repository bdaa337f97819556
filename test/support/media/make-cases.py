"""Makes the clips under cases/ that more-cases.test.ts reads, but for cases/reported, and cases/references.json: what ffmpeg shows.

A clip is of one kind: its folder. Every frame carries its index as eight blocks along its top; below are a disc that
moves right, and eight patches of known colours. The references are the means of cells of 8x8 pixels of every frame, as the ffmpeg
program extracts it. Run once, by hand; needs Python, ffmpeg 5.1 with x264, x265, aom, vpx, zimg and webp, and mkvtoolnix 74:
    python3 test/support/media/make-cases.py
"""

import json
import sys

from case_pictures import (
    alphas,
    animations,
    colours,
    fields,
    pixels,
)
from case_tools import (
    ONE_THREAD,
    RATE,
    REFERENCES,
    SCALING,
    WORK,
    X264,
    X265,
    X265_PARAMS,
    converted,
    ffmpeg,
    frames_of,
    insert,
    made,
    out,
    picture,
    reference,
    run,
    with_aperture,
    with_edits,
    with_matrix,
)


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


KINDS = [times, gops, cuts, turns, shapes, pixels, alphas, animations, colours, fields]

if __name__ == "__main__":
    chosen = sys.argv[1:]
    if chosen and REFERENCES.exists():
        made.update(json.loads(REFERENCES.read_text()))
    for kind in KINDS:
        if not chosen or kind.__name__ in chosen:
            kind()
    REFERENCES.write_text(json.dumps(made, indent=2) + "\n")
