"""What is wrong with a user's inputs: collected, and told all at once, a line each."""

import difflib


class BadInputs(Exception):
    """All that is wrong, in `lines`: where, what, and what to do."""

    def __init__(self, lines):
        super().__init__("\n".join(lines))
        self.lines = lines


class Problems:
    """Collects them; `where` is the flag, and the path or name that was given by it."""

    def __init__(self):
        self.lines = []

    def add(self, where, what, hint):
        """`hint` is one sentence."""
        line = f"{where}: {what}. {hint}"
        if line not in self.lines:
            self.lines.append(line)

    def end(self):
        """Raises BadInputs if there are any."""
        if self.lines:
            raise BadInputs(self.lines)


def like(path):
    """A hint for a path that is not there: what its folder has that is written much the same."""
    parent = path.parent
    while not parent.is_dir() and parent != parent.parent:
        path, parent = parent, parent.parent
    found = difflib.get_close_matches(path.name, sorted(one.name for one in parent.iterdir()), 1)
    if found:
        return f"Did you mean {parent / found[0]}?"
    return f"{parent} is there, and has no {path.name}."
