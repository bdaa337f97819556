"""The command `bivdiff-export` of the installed package: `python -m export` with its folder as the first place to import from."""

import sys
from pathlib import Path


def main():
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from export.__main__ import main as export  # noqa: PLC0415 - there from now on

    export()
