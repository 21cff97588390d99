"""Private files: random names outside the web root, whole or absent, destroyed when their time is over."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.db import transaction
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from core.access import id_of, name_of
from core.audit import audit
from core.errors import DomainError
from core.models import PrivateFile
from core.numbers import number_or_none

PIECE = 1024 * 1024
MOST_BYTES = 2**63 - 1
FULL = (28, 122)  # no space, quota
MayDownload = Callable[[Any, PrivateFile], bool]


class FileGone(DomainError):
    """The file was destroyed, or never became whole."""


class DiskFull(DomainError):
    """The file could not be stored."""


@dataclass(frozen=True)
class Kind:
    """What one kind of file is: who may download it, and whether each download is audited."""

    name: str
    may_download: MayDownload
    is_audited: bool


_kinds: dict[str, Kind] = {}


def register_kind(name: str, *, may_download: MayDownload | None = None, is_audited: bool = True) -> None:
    """Name a kind of file and its rule `may_download(user, private_file)`. Without a rule, and for unknown kinds: its owner alone."""
    _kinds[name] = Kind(name, may_download or _is_owner, is_audited)


def _is_owner(user: Any, private_file: PrivateFile) -> bool:
    return private_file.owner_id is not None and private_file.owner_id == id_of(user)


def can_download(user: Any, private_file: PrivateFile) -> bool:
    kind = _kinds.get(private_file.kind)
    return kind.may_download(user, private_file) if kind else _is_owner(user, private_file)


def is_audited(private_file: PrivateFile) -> bool:
    kind = _kinds.get(private_file.kind)
    return kind.is_audited if kind else True


def private_root() -> Path:
    return Path(settings.FILES_DIR) / "private"


def path_of(private_file: PrivateFile) -> Path:
    return private_root() / private_file.path


# ---------------------------------------------------------------- storing


def store(
    *,
    name: str,
    stream: IO[bytes] | Iterable[bytes],
    kind: str,
    by: Any,
    at: datetime,
    keep_for: timedelta,
    content_type: str = "application/octet-stream",
    city_id: int | None = None,
    limit: int | None = None,
) -> PrivateFile:
    """Store the bytes and return the row, ready. The row becomes ready last, after write, fsync and rename. Raises DiskFull.

    `stream` is a file or an iterable of pieces. Over `limit` bytes FileTooBig is raised and nothing stays.
    """
    with writing(
        name=name,
        kind=kind,
        by=by,
        at=at,
        keep_for=keep_for,
        content_type=content_type,
        city_id=city_id,
    ) as draft:
        for piece in _pieces(stream):
            if limit is not None and draft.size + len(piece) > limit:
                raise FileTooBig(_("The file is larger than %(limit)s MB.") % {"limit": limit // 1024 // 1024})
            draft.write(piece)
    return draft.row


class FileTooBig(DomainError):
    """More bytes came than are allowed."""


class Draft:
    """A file being written: give it bytes, or hand `path` to a library that writes files itself."""

    def __init__(self, row: PrivateFile, path: Path) -> None:
        self.row = row
        self.path = path
        self.size = 0
        self._hash = hashlib.sha256()
        self._stream: IO[bytes] | None = None

    def write(self, piece: bytes) -> None:
        if self._stream is None:
            self._stream = open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")  # noqa: SIM115
        self._stream.write(piece)
        self._hash.update(piece)
        self.size += len(piece)

    def flush(self) -> None:
        """What was written so far can be read at `path`."""
        if self._stream is None:
            self.write(b"")
        assert self._stream
        self._stream.flush()

    def settle(self) -> None:
        """All bytes on the disk, size and hash known."""
        if self._stream is None and not self.path.exists():
            self.write(b"")
        if self._stream is not None:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            return
        with open(self.path, "rb") as written:
            for piece in iter(lambda: written.read(PIECE), b""):
                self._hash.update(piece)
                self.size += len(piece)
            os.fsync(written.fileno())
        self.path.chmod(0o600)

    def drop(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self.path.unlink(missing_ok=True)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def writing(
    *,
    name: str,
    kind: str,
    by: Any,
    at: datetime,
    keep_for: timedelta,
    content_type: str = "application/octet-stream",
    city_id: int | None = None,
) -> Iterator[Draft]:
    """Write a private file inside the block: `draft.write(piece)`, or let a library write to `draft.path`. Ready when the block ends well."""
    row = PrivateFile(
        kind=kind,
        name=os.path.basename(name.replace("\\", "/"))[:255] or "file",
        path=_random_path(),
        content_type=content_type,
        owner_id=id_of(by),
        owner_name=name_of(by),
        city_id=city_id,
        created_at=at,
        keep_until=at + keep_for,
    )
    final = path_of(row)
    draft = Draft(row, final.with_name(f".{final.name}.part"))
    try:
        final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield draft
        draft.settle()
        os.replace(draft.path, final)
        _sync_directory(final.parent)
    except OSError as error:
        draft.drop()
        if error.errno in FULL:
            raise DiskFull(_("The disk is full. Nothing was stored.")) from None
        raise
    except BaseException:
        draft.drop()
        raise
    row.size, row.sha256, row.ready_at = draft.size, draft.sha256, at
    row.save()


@contextmanager
def scratch() -> Iterator[IO[bytes]]:
    """A file with a name for bytes that are looked at before they are stored; gone with the block. Raises DiskFull."""
    place = (private_root() / _random_path()).parent
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with NamedTemporaryFile(dir=place) as file:
            yield file
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(_("The disk is full. Nothing was stored.")) from None
        raise


def _random_path() -> str:
    name = secrets.token_hex(20)
    return f"{name[:2]}/{name[2:]}"


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _pieces(stream: IO[bytes] | Iterable[bytes]) -> Iterator[bytes]:
    if hasattr(stream, "chunks"):
        yield from stream.chunks()
    elif hasattr(stream, "read"):
        yield from iter(lambda: stream.read(PIECE), b"")
    else:
        yield from stream


# ---------------------------------------------------------------- reading and the end


def open_file(private_file: PrivateFile) -> IO[bytes]:
    """The bytes, for reading. Raises FileGone."""
    if private_file.ready_at is None or private_file.destroyed_at is not None:
        raise FileGone(_("This file is no longer kept."))
    try:
        return open(path_of(private_file), "rb")
    except FileNotFoundError:
        raise FileGone(_("This file is no longer kept.")) from None


@transaction.atomic
def destroy(*, private_file: PrivateFile, at: datetime, by: Any = None) -> None:
    """Take the bytes away; the row stays as a trace, without its name."""
    row = PrivateFile.objects.select_for_update().get(pk=private_file.pk)
    if row.destroyed_at is not None:
        return
    path_of(row).unlink(missing_ok=True)
    row.destroyed_at, row.name = at, row.kind
    row.save(update_fields=["destroyed_at", "name"])
    audit("core.file.destroyed", row, by=by, at=at, kind=row.kind)


def destroy_overdue(*, at: datetime) -> int:
    """Destroy every file whose time is over; returns how many. Also sweeps what a dead process left behind: drafts, and
    whole files whose row never came to be, because the process ended or its transaction was undone."""
    overdue = list(PrivateFile.objects.overdue(at))
    for row in overdue:
        destroy(private_file=row, at=at)
    _drop_leftovers(at)
    return len(overdue)


def _drop_leftovers(at: datetime) -> None:
    """A day is longer than any transaction: a younger file may still get its row."""
    oldest = (at - timedelta(days=1)).timestamp()
    for directory in private_root().glob("??"):
        old = {path.name: path for path in directory.iterdir() if path.is_file() and path.stat().st_mtime < oldest}
        known = PrivateFile.objects.filter(path__in=[f"{directory.name}/{name}" for name in old], destroyed_at=None)
        for row in known.values_list("path", flat=True):
            old.pop(row.partition("/")[2])
        for path in old.values():
            path.unlink(missing_ok=True)


PLAYED = 512 * 1024


def respond(request: HttpRequest, private_file: PrivateFile, *, inline: bool = False) -> HttpResponseBase:
    """The file as an answer, one byte range honoured (players of recordings ask for ranges). Raises FileGone.

    A player that is paused stops reading, and would hold the thread that answers it: of a range it gets at most PLAYED bytes at once and
    asks for the rest when it needs them.
    """
    stream = open_file(private_file)
    wanted = _range(request.headers.get("Range", ""), private_file.size)
    if wanted is None:
        response: HttpResponseBase = FileResponse(stream, content_type=private_file.content_type)
        response.headers["Content-Length"] = str(private_file.size)
    elif wanted == ():
        stream.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{private_file.size}"})
    else:
        first, last = wanted
        last = min(last, first + PLAYED - 1) if inline else last
        response = StreamingHttpResponse(
            _part(stream, first, last),
            status=206,
            content_type=private_file.content_type,
        )
        response.headers["Content-Range"] = f"bytes {first}-{last}/{private_file.size}"
        response.headers["Content-Length"] = str(last - first + 1)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = content_disposition_header(not inline, private_file.name) or "attachment"
    return response


def _range(header: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """(first, last) of "bytes=a-b", () when it cannot be satisfied, None when there is none or it is not understood."""
    unit, _sep, span = header.partition("=")
    if unit.strip() != "bytes" or "," in span or "-" not in span:
        return None
    from_text, _sep, to_text = (part.strip() for part in span.partition("-"))
    first, last = number_or_none(from_text, most=MOST_BYTES), number_or_none(to_text, most=MOST_BYTES)
    if (first is None and (from_text or last is None)) or (last is None and to_text):
        return None
    if first is None:
        start, end = max(0, size - (last or 0)), size - 1
    else:
        start, end = first, size - 1 if last is None else min(last, size - 1)
    return (start, end) if start <= end else ()


def _part(stream: IO[bytes], first: int, last: int) -> Iterator[bytes]:
    with stream:
        stream.seek(first)
        left = last - first + 1
        while left > 0 and (piece := stream.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


def attachment(target: IO[bytes], name: str, content_type: str) -> FileResponse:
    """The answer that gives a file just written, which is in no store and stays in no cache; its end closes the file."""
    target.seek(0)
    response = FileResponse(target, as_attachment=True, filename=name, content_type=content_type)
    response.headers["Cache-Control"] = "private, no-store"
    return response
