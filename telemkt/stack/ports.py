"""The address where the web server answers."""

import os
import socket
import time

from telemkt.stack.trouble import Trouble

DEFAULT = 8000
HOST = "127.0.0.1"


def chosen() -> int:
    """The port that PORT names. Raises Trouble when it is no port."""
    text = os.environ.get("PORT", "").strip() or str(DEFAULT)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise Trouble(f"PORT is {text!r}, and a port is a number from 1 to 65535: make run PORT=8001.")
    return int(text)


def must_be_free(port: int, patience: float = 0) -> None:
    """Raises Trouble when somebody listens there, or when we may not. Waits so many seconds for one that goes."""
    until = time.monotonic() + patience
    while True:
        try:
            _bind(port)
        except PermissionError:
            raise Trouble(f"Port {port} may be used by root only. Choose another: make run PORT=8000.") from None
        except OSError:
            if time.monotonic() >= until:
                raise Trouble(
                    f"Port {port} is in use by another program. Stop it, or choose another port: make run PORT={port + 1}."
                ) from None
            time.sleep(0.2)
        else:
            return


def _bind(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        probe.listen(1)
