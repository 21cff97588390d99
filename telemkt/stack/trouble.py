"""What can go wrong before anything runs, each as one sentence for the person at the terminal."""

import errno


class Trouble(Exception):
    """The stack cannot do what was asked; the text says why and what to do."""


def from_os_error(error: OSError, what: str) -> Trouble:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(what)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return Trouble(f"{what} cannot be written: {error.strerror}. Choose another place with TELEMKT_HOME.")
    return Trouble(f"{what} cannot be used: {error.strerror or error}.")


def disk_full(what: str) -> Trouble:
    return Trouble(f"The disk that holds {what} is full. Make room, or choose another place with TELEMKT_HOME.")
