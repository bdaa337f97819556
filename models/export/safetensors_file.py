"""Reads what a safetensors file says of its tensors; knows nothing of models."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stored:
    """Where a tensor lies in a safetensors file; offset and length in bytes."""

    dtype: str
    shape: tuple
    offset: int
    length: int


def stored_tensors(file):
    """Name to Stored of a safetensors file: 8 bytes of header length, a JSON header, then the data.

    Raises ValueError if it is none.
    """
    with Path(file).open("rb") as stream:
        start, size = stream.read(8), Path(file).stat().st_size
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > size - 8:
            raise ValueError(f"{file} has no whole header")
        header = json.loads(stream.read(length))
    header.pop("__metadata__", None)
    return {
        name: Stored(
            entry["dtype"],
            tuple(entry["shape"]),
            8 + length + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in header.items()
    }
