"""What an uploaded file is, told by its content, and whether it is safe to open. Read in a stream: 10 to 200 ms."""

from __future__ import annotations

import codecs
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, Literal

from .faults import FileFault
from .limits import (
    INFLATED_BYTES,
    INFLATION_RATIO,
    MB,
    ROWS,
    ZIP_PARTS,
)

PIECE = MB
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# a cell right of ZZ, or below the last row we take (ROWS has six digits)
FAR_ROW = rb"[%d-9]\d{5}|\d{7}" % (ROWS // 100_000)
FAR_CELL = re.compile(rb'r="[A-Z](?:%b|[A-Z](?:[A-Z]+\d|%b))' % (FAR_ROW, FAR_ROW))
MARKUP = (b"<!doctype html", b"<html", b"<table", b"<?xml")
OVERLAP = 64


@dataclass(frozen=True)
class Format:
    """What the file turned out to be. `encoding` and `delimiter` belong to csv."""

    kind: Literal["xlsx", "csv"]
    encoding: str = ""
    delimiter: str = ""


def examine(stream: IO[bytes]) -> Format:
    """The format of the file; the stream ends at its start again. Raises FileFault when it must not be opened."""
    try:
        stream.seek(0)
        head = stream.read(8)
        if not head:
            raise FileFault("empty_file")
        if head.startswith(OLE):
            raise FileFault(_what_ole(stream))
        if head.startswith(b"PK"):
            _examine_workbook(stream)
            return Format("xlsx")
        return _examine_text(stream)
    finally:
        stream.seek(0)


def _what_ole(stream: IO[bytes]) -> str:
    """Excel before 2007, and a workbook with a password, begin alike."""
    stream.seek(0)
    tail = b""
    while piece := stream.read(PIECE):
        if ENCRYPTED in tail + piece:
            return "password"
        tail = piece[-OVERLAP:]
    return "old_excel"


# ---------------------------------------------------------------- workbooks


def _examine_workbook(stream: IO[bytes]) -> None:
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            _check_names(parts)
            _check_parts(archive, parts)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        struct.error,
        UnicodeDecodeError,
        ValueError,
        OSError,
    ):
        raise FileFault("damaged") from None


def _check_names(parts: list[zipfile.ZipInfo]) -> None:
    names = {part.filename for part in parts}
    lower = {name.lower() for name in names}
    if len(parts) > ZIP_PARTS or len(names) != len(parts):
        raise FileFault("damaged")
    if any(part.flag_bits & 0x1 for part in parts):
        raise FileFault("password")
    if any(name.startswith("/") or ".." in name.split("/") or "\\" in name for name in names):
        raise FileFault("damaged")
    if any("vbaproject" in name or "/macrosheets/" in name for name in lower):
        raise FileFault("macros")
    if any("/externallinks/" in name for name in lower):
        raise FileFault("external_links")
    if "xl/workbook.xml" not in lower:
        raise FileFault("not_a_list")


def _check_parts(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """Inflate every part and count for ourselves: what the directory says about sizes may be a lie."""
    left = INFLATED_BYTES
    packed = 0
    for part in parts:
        packed += part.compress_size
        left -= _check_part(archive, part, left)
    if INFLATED_BYTES - left > INFLATION_RATIO * max(packed, 4096):
        raise FileFault("bomb")


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, left: int) -> int:
    is_markup = part.filename.lower().endswith((".xml", ".rels", ".vml"))
    is_sheet = part.filename.lower().startswith("xl/worksheets/")
    size, tail = 0, b""
    with archive.open(part) as content:
        while piece := content.read(PIECE):
            size += len(piece)
            if size > left or size > INFLATION_RATIO * max(part.compress_size, 4096):
                raise FileFault("bomb")
            if is_markup:
                _check_markup(tail + piece if tail else piece, is_sheet, at_start=not tail)
                tail = piece[-OVERLAP:]
    return size


def _check_markup(piece: bytes, is_sheet: bool, *, at_start: bool) -> None:
    if at_start and (piece[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or b"\0" in piece[:64]):
        raise FileFault("damaged")  # XML in an encoding that no spreadsheet writes hides what we look for
    # the exclamation mark first: it is rare, and looking for it costs nothing
    if b"!" in piece and (b"<!DOCTYPE" in piece or b"<!ENTITY" in piece):
        raise FileFault("doctype")
    if b"macroEnabled" in piece and not is_sheet:
        raise FileFault("macros")
    if is_sheet and FAR_CELL.search(piece):
        raise FileFault("far_cell")


# ---------------------------------------------------------------- text


def _examine_text(stream: IO[bytes]) -> Format:
    stream.seek(0)
    start = stream.read(4096)
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise FileFault("utf16")
    if b"\0" in start or start.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")):
        raise FileFault("not_a_list")
    if start.lstrip(codecs.BOM_UTF8 + b" \t\r\n").lower().startswith(MARKUP):
        raise FileFault("web_page")
    encoding = "utf-8-sig" if _decodes(stream, "utf-8") else "gb18030" if _decodes(stream, "gb18030") else ""
    if not encoding:
        raise FileFault("encoding")
    stream.seek(0)
    line = _first_line(stream.read(64 * 1024), encoding)
    if not line.strip():
        raise FileFault("empty_file")
    return Format("csv", encoding, _delimiter(line))


def _decodes(stream: IO[bytes], encoding: str) -> bool:
    """Whether every byte is valid; NUL is not text in either."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        while piece := stream.read(PIECE):
            if b"\0" in piece:
                return False
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _first_line(start: bytes, encoding: str) -> str:
    text = start.decode(encoding, "ignore")
    return next((line for line in text.splitlines() if line.strip()), "")


def _delimiter(line: str) -> str:
    return max(",;\t|", key=line.count)
