#!/usr/bin/env python
"""Django's commands. Without DATABASE_URL and REDIS_URL they use, or start for their own duration, embedded servers."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemkt.settings")
    from telemkt.stack.commands import run

    sys.exit(run(sys.argv))


if __name__ == "__main__":
    main()
