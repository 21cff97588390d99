"""What must be done before anything serves: migrations, static files, the demo of the first start.

    python -m telemkt.stack.prepare

A process of its own, so that the supervisor stays small. Its last line on stderr is a sentence when it fails.
"""

import io
import os
import shutil
import sys
import time
from collections.abc import Callable

from telemkt.stack import home, messages, migrations
from telemkt.stack.trouble import Trouble


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemkt.settings")
    import django
    from django.db.utils import OperationalError

    messages.refresh()
    django.setup()
    try:
        _step("migrations", migrations.migrate)
        _step("static files", collect_static)
        if wants_demo():
            _step("demo", make_demo)
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise Trouble(f"The database could not be prepared: {reason}.") from error
    return 0


def _step(name: str, work: Callable[[], None]) -> None:
    began = time.monotonic()
    work()
    if (took := time.monotonic() - began) > 1.5:
        print(f"  {name}: {took:.0f} s", flush=True)


def collect_static() -> None:
    """Only when a file is newer than the last time: hashing and compressing takes a second or two."""
    from django.conf import settings
    from django.core.management import call_command

    stamp = home.home() / "static.stamp"
    newest = _newest_static(settings)
    if stamp.exists() and stamp.read_text() == newest and (settings.STATIC_ROOT / "staticfiles.json").exists():
        return
    shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(newest)


def _newest_static(settings: object) -> str:
    """Changes when any static file of ours or the list of packages does."""
    files = [path for path in (home.CHECKOUT / "static").rglob("*") if path.is_file()]
    files.append(home.CHECKOUT / "requirements.txt")
    states = [path.stat() for path in files]
    return f"{len(states)} {max(state.st_mtime_ns for state in states)} {sum(state.st_size for state in states)}"


def wants_demo() -> bool:
    """On the first start only: an installation with people in it is somebody's work."""
    from django.contrib.auth import get_user_model
    from django.core.management import get_commands

    if os.environ.get("DEMO", "1") == "0" or "make_demo" not in get_commands():
        return False
    return not get_user_model().objects.exists()


def make_demo() -> None:
    """All of it or nothing: a start that was cut short makes it the next time."""
    from django.core.management import CommandError, call_command

    print("  making the demo, which takes about half a minute ...", flush=True)
    try:
        call_command("make_demo", verbosity=0, stdout=io.StringIO())
    except CommandError as error:
        print(f"  The demo could not be made: {error}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(str(trouble))
