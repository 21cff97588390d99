"""Says in one sentence that Python is too old. Written so that every Python since 2.7 can run it."""

import sys

OLDEST = (3, 11)


def sentence(version):  # type: ignore[no-untyped-def]
    """The sentence for this version, or None when it will do."""
    if tuple(version[:2]) >= OLDEST:
        return None
    return (
        "telemkt needs Python {}.{} or later, and this is Python {}.{}. "
        "Install a newer one and say which: make run PYTHON=python3.12"
    ).format(*OLDEST + tuple(version[:2]))


if __name__ == "__main__":
    problem = sentence(sys.version_info)
    if problem:
        sys.stderr.write(problem + "\n")
        sys.exit(1)
