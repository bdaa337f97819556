"""`python -m parity.schedulers.classes`, from models/: writes goldens/classes.json, the config that each
of diffusers' schedulers saves when nothing is set, as its save_pretrained writes it.

Classes that need arguments, or packages that requirements.txt has not, are left out.
"""

import json
import tempfile
from pathlib import Path

import diffusers
from diffusers import SchedulerMixin

OUT = Path(__file__).resolve().parent / "goldens" / "classes.json"


def main():
    saved = {}
    for name in sorted(name for name in dir(diffusers) if name.endswith("Scheduler")):
        kind = getattr(diffusers, name)
        # Placeholders of what cannot be imported are no schedulers.
        if not (isinstance(kind, type) and issubclass(kind, SchedulerMixin)):
            continue
        try:
            scheduler = kind()
        except TypeError:
            continue
        with tempfile.TemporaryDirectory() as folder:
            scheduler.save_pretrained(folder)
            saved[name] = (Path(folder) / "scheduler_config.json").read_text()
    # Texts, not objects: they are what the product parses, infinities and all.
    OUT.write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
