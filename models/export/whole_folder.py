"""A folder that appears whole or not at all."""

import os
import shutil
from contextlib import contextmanager


@contextmanager
def whole_folder(out):
    """A fresh folder beside `out` to write into. At the end it becomes `out`, which may be an empty folder
    until then; after an error, or a signal that raises one, it is gone."""
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    part.mkdir()
    try:
        yield part
        part.rename(out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
