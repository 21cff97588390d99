"""`make bench`: run the benchmarks, all or those named, and print every figure beside its floor.

Each module of this package with `run() -> list[Figure]` is one benchmark.
"""

from __future__ import annotations

import os
import pkgutil
import sys
import time
from importlib import import_module

import bench


def modules(wanted: list[str]) -> list[str]:
    found = [
        info.name for info in pkgutil.iter_modules(bench.__path__) if info.name not in ("__main__", "figures", "data")
    ]
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(found)}.")
    return wanted or found


def main(wanted: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemkt.settings")
    import django

    from telemkt.stack import servers

    servers.share_needed()
    django.setup()
    broken = 0
    for name in modules(wanted):
        module = import_module(f"bench.{name}")
        if not hasattr(module, "run"):
            continue
        started = time.monotonic()
        print(f"== {name}: {(module.__doc__ or '').strip().splitlines()[0]}", flush=True)
        for figure in module.run():
            print(figure.line(), flush=True)
            broken += figure.is_kept is False
        print(f"   ({time.monotonic() - started:.0f} s)\n", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
