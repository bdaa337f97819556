"""Draws the small clips under fixtures/ that the media tests read.

Every frame carries its own index as a row of eight black or white blocks, so that a test can tell
which frame it got. Run once, by hand; needs PyAV, NumPy and Pillow:
    python test/support/media/make-fixtures.py
"""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / "fixtures"


def picture(index: int, width: int, height: int) -> np.ndarray:
    """[height, width, 3]: a disc moving right, on blue; on top the index, high bit first."""
    yy, xx = np.mgrid[0:height, 0:width]
    image = np.empty((height, width, 3), np.uint8)
    image[:] = (40, 70, 150)
    disc = np.hypot(xx - (10 + 2 * index) % width, yy - height * 0.65) < height * 0.2
    image[disc] = (220, 60, 40)
    block, bar = width // 8, height // 4
    for bit in range(8):
        on = index >> (7 - bit) & 1
        image[:bar, bit * block : (bit + 1) * block] = 255 if on else 0
    return image


def patches(width: int = 96, height: int = 64) -> np.ndarray:
    """Six saturated patches in two rows: red, green, blue over yellow, cyan, magenta."""
    upper = [(220, 30, 30), (30, 200, 40), (30, 50, 220)]
    lower = [(230, 220, 30), (30, 210, 210), (210, 40, 200)]
    image = np.empty((height, width, 3), np.uint8)
    for i, colour in enumerate(upper + lower):
        top, left = i // 3 * height // 2, i % 3 * width // 3
        image[top : top + height // 2, left : left + width // 3] = colour
    return image


def write(
    name: str,
    codec: str,
    frames: list[np.ndarray],
    *,
    pixels: str = "yuv420p",
    options: dict | None = None,
    times: list[int] | None = None,
    container_options: dict | None = None,
    sound: bool = False,
    matrix: str | None = None,
    full_range: bool = False,
) -> None:
    """One clip at 12 frames a second; `times`: of presentation, in 1/12 s, if not regular."""
    height, width = frames[0].shape[:2]
    muxing = {"fflags": "+bitexact", **(container_options or {})}  # no random ids
    with av.open(str(FOLDER / name), "w", container_options=muxing) as out:
        stream = out.add_stream(codec, rate=12, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.time_base = Fraction(1, 12)
        stream.codec_context.thread_count = 1
        if matrix:
            code = {"bt601": 6, "bt709": 1}[matrix]
            stream.codec_context.colorspace = code
            stream.codec_context.color_primaries = code
            stream.codec_context.color_trc = code
            stream.codec_context.color_range = 2 if full_range else 1
        audio = out.add_stream("aac", rate=8000) if sound else None
        for i, image in enumerate(frames):
            source = av.VideoFrame.from_ndarray(image, format="rgb24")
            if matrix:
                space = {"bt601": "ITU601", "bt709": "ITU709"}[matrix]
                levels = "JPEG" if full_range else "MPEG"
                frame = source.reformat(
                    format=pixels, dst_colorspace=space, dst_color_range=levels
                )
            else:
                frame = source.reformat(format=pixels)
            frame.pts, frame.time_base = (times[i] if times else i), Fraction(1, 12)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if audio:
            for i in range(4):
                tone = (np.sin(np.arange(1024)[None] * 0.3) * 0.2).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                frame.rate, frame.pts = 8000, i * 1024
                out.mux(audio.encode(frame))
            out.mux(audio.encode(None))


def rotate(source: str, target: str) -> None:
    """Writes the display matrix for 90 degrees clockwise into the track's header, as phones do."""
    data = bytearray((FOLDER / source).read_bytes())
    at = data.index(b"tkhd") + 4
    matrix_at = at + (4 + 32 if data[at] == 1 else 4 + 20) + 16
    one = 1 << 16
    matrix = struct.pack(">9i", 0, one, 0, -one, 0, 0, 48 * one, 0, 1 << 30)
    data[matrix_at : matrix_at + 36] = matrix
    (FOLDER / target).write_bytes(data)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    clip = [picture(i, 64, 48) for i in range(40)]
    pyramid = "b-pyramid=normal:scenecut=0"
    x264 = {"preset": "medium", "crf": "20", "bf": "3", "b_strategy": "1", "g": "10"}
    x264["x264-params"] = pyramid
    vpx = {"b": "200k", "auto-alt-ref": "1", "lag-in-frames": "8"}
    open_gop = {**x264, "x264-params": f"{pyramid}:open-gop=1:bframes=3:b-adapt=0"}
    odd = [picture(i, 127, 95) for i in range(12)]
    uneven = [0, 1, 2, 5, 6, 9, 10, 11, 20, 21, 22, 23]
    front = {"movflags": "faststart"}
    write("b-frames.mp4", "libx264", clip, options=x264, container_options=front)
    write("b-frames.mkv", "libx264", clip, options=x264)
    write("b-frames.mov", "libx264", clip[:12], options=x264)
    write("open-gop.mp4", "libx264", clip, options=open_gop)
    write("sound.mp4", "libx264", clip[:12], options=x264, sound=True)
    rotate("sound.mp4", "rotated-90.mp4")
    write("variable-rate.mp4", "libx264", clip[:12], options=x264, times=uneven)
    write("odd-size.mp4", "libx264", odd, pixels="yuv444p", options=x264)
    write("odd-size.webm", "libvpx-vp9", odd, options=vpx)
    write("vp9.webm", "libvpx-vp9", clip, options={**vpx, "g": "10"})
    write("vp8.webm", "libvpx", clip[:12], options=vpx)
    write("ten-bit.mp4", "libx264", clip[:12], pixels="yuv420p10le", options=x264)
    write("mpeg4-part-2.mp4", "mpeg4", clip[:4])
    lossless = {"preset": "medium", "crf": "8"}
    for matrix in ("bt601", "bt709"):
        write(f"{matrix}.mp4", "libx264", [patches()] * 2, options=lossless, matrix=matrix)
    full = dict(matrix="bt709", full_range=True)
    write("bt709-full-range.mp4", "libx264", [patches()] * 2, options=lossless, **full)
    write("untagged.mp4", "libx264", [patches()] * 2, options=lossless)

    whole = (FOLDER / "b-frames.mp4").read_bytes()
    (FOLDER / "truncated.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    late = (FOLDER / "open-gop.mp4").read_bytes()
    (FOLDER / "no-index.mp4").write_bytes(late[: len(late) * 6 // 10])
    webm = (FOLDER / "vp9.webm").read_bytes()
    (FOLDER / "truncated.webm").write_bytes(webm[: len(webm) * 6 // 10])
    (FOLDER / "text.mp4").write_text("This is no video, whatever its name says.\n")
    (FOLDER / "empty.mp4").write_bytes(b"")

    stills = [Image.fromarray(frame).quantize(32) for frame in clip[:10]]
    stills[0].save(
        FOLDER / "clip.gif", save_all=True, append_images=stills[1:], duration=120, loop=0
    )
    opaque = np.zeros((48, 64), np.uint8)
    opaque[:, :32] = 255
    Image.fromarray(np.dstack([clip[1], opaque])).save(FOLDER / "alpha.png")


if __name__ == "__main__":
    main()
