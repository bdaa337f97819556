"""Clips for make-cases.py that differ in what a frame holds: pixel formats, alpha, animations, colours, fields."""

from case_tools import (
    BT709,
    ONE_THREAD,
    SCALING,
    X264,
    X265,
    X265_PARAMS,
    converted,
    drawn,
    ffmpeg,
    frames_of,
    out,
    reference,
    tags,
)


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
