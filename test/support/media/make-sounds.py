"""Makes the clips with sound under sounds/ that kept-sound.test.ts reads.

Two seconds at 12 frames a second that bear their index, and a tone that rises, in a codec and a container each. Run once, by
hand; needs Python and ffmpeg 5.1 with x264, vpx, lame, opus and vorbis:
    python3 test/support/media/make-sounds.py
"""

from pathlib import Path

from case_tools import ONE_THREAD, RATE, X264, converted, ffmpeg, frames_of

FOLDER = Path(__file__).parent / "sounds"
FRAMES = 24
VP9 = [*ONE_THREAD, "-c:v", "libvpx-vp9", "-crf", "30", "-b:v", "0"]


def tone(rate: int, seconds: float = FRAMES / RATE) -> list[object]:
    source = f"aevalsrc=0.4*sin(2*PI*(200+90*floor(t*8))*t):s={rate}:d={seconds}"
    return ["-f", "lavfi", "-i", source]


def clip(name: str, codec: str, *settings: object, rate: int = 48000, video: list[object] = X264) -> None:
    sound = ["-c:a", codec, *settings, "-flags:a", "+bitexact"]
    ffmpeg(*frames_of(FRAMES), *tone(rate), *converted("yuv420p"), *video, *sound, FOLDER / name)


FOLDER.mkdir(exist_ok=True)
clip("aac.mp4", "aac", "-b:a", "24k")
clip("aac.m2t", "aac", "-b:a", "24k")
clip("aac.mkv", "aac", "-b:a", "24k")
clip("mp3.mp4", "libmp3lame", "-b:a", "24k", rate=24000)
clip("mp3.avi", "libmp3lame", "-b:a", "24k", rate=24000)
clip("mp2.mkv", "mp2", "-b:a", "32k")
clip("ac3.mp4", "ac3", "-b:a", "64k")
clip("eac3.mp4", "eac3", "-b:a", "32k")
clip("opus.mp4", "libopus", "-b:a", "16k")
clip("opus.webm", "libopus", "-b:a", "16k", video=VP9)
clip("vorbis.webm", "libvorbis", "-q:a", "0", rate=16000, video=VP9)
clip("flac.mkv", "flac", rate=8000)
clip("alac.mov", "alac", rate=8000)
clip("pcm_s16le.mov", "pcm_s16le", rate=8000)
clip("pcm_s16be.mov", "pcm_s16be", rate=8000)
clip("pcm_s24le.mkv", "pcm_s24le", rate=8000)
clip("pcm_s16le.avi", "pcm_s16le", rate=8000)

PLAIN = [*converted("yuv420p"), *X264, "-c:a", "aac", "-b:a", "24k", "-flags:a", "+bitexact"]
ffmpeg(*frames_of(FRAMES), "-itsoffset", 1, *tone(48000, 0.5), *PLAIN, FOLDER / "late.mp4")
ffmpeg(*frames_of(FRAMES), *tone(48000), *tone(24000), "-map", 0, "-map", 1, "-map", 2, *PLAIN,
       "-disposition:a:0", 0, "-disposition:a:1", "default", FOLDER / "second-is-default.mp4")  # fmt: skip
uneven = f"setpts=(N+gt(N\\,11))/{RATE}/TB,"
scaled = ["-vf", uneven + converted("yuv420p")[1], "-fps_mode", "passthrough"]
ffmpeg(*frames_of(FRAMES), *tone(48000), *scaled, *PLAIN[2:], FOLDER / "uneven.mp4")
