"""The front end's libraries: pinned in vendor.json, copied to static/vendor/, their hashes in SHA256.json.

python tools/vendor.py update    fetch with npm, check the integrity, copy, write the hashes (needs npm)
python tools/vendor.py check     compare what lies in static/vendor/ with its hashes
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("vendor.json")
FOLDER = Path(__file__).resolve().parents[1] / "static" / "vendor"
HASHES = FOLDER / "SHA256.json"

# Browsers would ask for maps that are not here, and the manifest storage would fail on them.
SOURCE_MAP = re.compile(rb"\s*(?://[#@]\s*sourceMappingURL=\S+|/\*[#@]\s*sourceMappingURL=[^*]+\*/)\s*$")


def update() -> None:
    for name, package in json.loads(LIST.read_text()).items():
        with tempfile.TemporaryDirectory() as folder:
            archive = _pack(name, package["version"], folder)
            _check_integrity(name, archive, package["integrity"])
            _copy(name, archive, package["files"])
    HASHES.write_text(json.dumps(hashes(), indent=1, sort_keys=True) + "\n")


def check() -> None:
    if wrong := differences():
        sys.exit(f"These files in {FOLDER} are not what was vendored: {', '.join(wrong)}")


def hashes() -> dict[str, str]:
    """The hash of every file that lies there now."""
    files = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path != HASHES)
    return {path.relative_to(FOLDER).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def differences() -> list[str]:
    """The files that were changed, added or removed since `update`, and those of the list that are missing."""
    listed = {
        f"{name}/{target}"
        for name, package in json.loads(LIST.read_text()).items()
        for target in package["files"].values()
    }
    wanted, found = json.loads(HASHES.read_text()), hashes()
    changed = {name for name, _ in wanted.items() ^ found.items()}
    return sorted(changed | (listed ^ set(wanted)))


def _pack(name: str, version: str, folder: str) -> Path:
    command = [
        "npm",
        "pack",
        "--json",
        "--silent",
        "--ignore-scripts",
        "--pack-destination",
        folder,
        f"{name}@{version}",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(Path(folder).glob("*.tgz"))


def _check_integrity(name: str, archive: Path, wanted: str) -> None:
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != wanted:
        sys.exit(f"{name}: the archive is not the one that vendor.json names.")


def _copy(name: str, archive: Path, files: dict[str, str]) -> None:
    with tarfile.open(archive) as content:
        for source, target in files.items():
            path = FOLDER / name / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_without_source_map(_read(content, f"package/{source}")))


def _read(content: tarfile.TarFile, member: str) -> bytes:
    file: Any = content.extractfile(member)
    return file.read()


def _without_source_map(text: bytes) -> bytes:
    return SOURCE_MAP.sub(b"\n", text)


if __name__ == "__main__":
    {"update": update, "check": check}[sys.argv[1]]()
