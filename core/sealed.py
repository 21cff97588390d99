"""Personal data at rest: AES-256-GCM with the key's id in front, a keyed blind index for look-up, keys outside the database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.utils.translation import gettext as _

from core.errors import DomainError

RING_FILE = "keyring.json"
NONCE = 12
INDEX_BYTES = 16
NONCES_AT_ONCE = 4096


class KeyMissing(DomainError):
    """The key that sealed a value is not in the key ring, or the ring is not the one that belongs to the database."""


class SealBroken(DomainError):
    """A sealed value was altered, or belongs to another place."""


@dataclass(frozen=True)
class KeyRing:
    """The keys of one installation. `current` seals, all unseal; index and chain have keys of their own."""

    current: int
    keys: dict[int, bytes]
    index_key: bytes
    chain_key: bytes

    def cipher(self, key_id: int) -> AESGCM:
        key = self.keys.get(key_id)
        if key is None:
            raise KeyMissing(
                _("Key %(number)s is not in the key file %(file)s. Restore the key file that belongs to this database.")
                % {"number": key_id, "file": ring_path()}
            )
        return AESGCM(key)


def ring_path() -> Path:
    return Path(settings.KEYS_DIR) / RING_FILE


@lru_cache(maxsize=4)
def _ring_of(path: str, stamp: tuple[int, int]) -> KeyRing:
    data = json.loads(Path(path).read_text())
    ring = KeyRing(
        current=int(data["current"]),
        keys={int(number): base64.b64decode(key) for number, key in data["keys"].items()},
        index_key=base64.b64decode(data["index"]),
        chain_key=base64.b64decode(data["chain"]),
    )
    _check(ring)
    return ring


def key_ring() -> KeyRing:
    """The ring in force, made at first use. Read again when the file changes, so that a rotation reaches running workers.

    Raises KeyMissing when the database belongs to another ring, or to one that is gone.
    """
    path = ring_path()
    try:
        stat = path.stat()
    except FileNotFoundError:
        if _known_check():
            raise KeyMissing(
                _(
                    "The key file %(file)s is gone. Restore the key file that belongs to this database; without it nothing sealed can be read."
                )
                % {"file": path}
            ) from None
        _make_ring(path)
        stat = path.stat()
    return _ring_of(str(path), (stat.st_mtime_ns, stat.st_ino))


def _check(ring: KeyRing) -> None:
    """Compare with what the database keeps, or leave it there for the next who comes. Once per process and state of the file."""
    own = hmac.new(ring.index_key + ring.chain_key, b"the ring of this database", hashlib.sha256).digest()
    known = _known_check()
    if known == b"":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO core_ringcheck (id, value) VALUES (1, %s) ON CONFLICT DO NOTHING", [own])
        known = _known_check()
    if known and not hmac.compare_digest(known, own):
        raise KeyMissing(
            _("The key file %(file)s belongs to another database. Restore the key file that belongs to this one.")
            % {"file": ring_path()}
        )


def _known_check() -> bytes | None:
    """What the database keeps; b"" when nothing yet, None where there is no database (children that only read files, before migrations)."""
    if not getattr(settings, "CHECK_KEY_RING", False) or not apps.ready:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('core_ringcheck')")
        if cursor.fetchone()[0] is None:
            return None
        cursor.execute("SELECT value FROM core_ringcheck")
        row = cursor.fetchone()
    return bytes(row[0]) if row else b""


def _make_ring(path: Path) -> None:
    fresh = {
        "current": 1,
        "keys": {"1": _new_key()},
        "index": _new_key(),
        "chain": _new_key(),
    }
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _write_draft(path, fresh)
    try:
        os.link(draft, path)  # fails when another process was first: its ring is the one
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)


def _write_draft(path: Path, data: dict[str, Any]) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        json.dump(data, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    return draft


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def add_key() -> int:
    """Add a fresh key and seal with it from now on; returns its number. Older keys stay, to unseal what they sealed."""
    path = ring_path()
    key_ring()
    data = json.loads(path.read_text())
    number = max(int(known) for known in data["keys"]) + 1
    if number > 255:
        raise KeyMissing(_("The key file holds 255 keys already; no more fit."))
    data["keys"][str(number)] = _new_key()
    data["current"] = number
    os.replace(_write_draft(path, data), path)
    return number


def chain_key() -> bytes:
    """Key of the audit chain."""
    return key_ring().chain_key


# ---------------------------------------------------------------- one value


def seal(text: str, aad: bytes | None = None) -> bytes:
    """Key id (1 byte), nonce (12), ciphertext with tag. The empty text stays empty: there is nothing to hide."""
    if text == "":
        return b""
    ring = key_ring()
    nonce = os.urandom(NONCE)
    return bytes([ring.current]) + nonce + ring.cipher(ring.current).encrypt(nonce, text.encode(), aad)


def unseal(blob: bytes | memoryview, aad: bytes | None = None) -> str:
    """The text again. Raises KeyMissing, SealBroken."""
    blob = bytes(blob)
    if blob == b"":
        return ""
    cipher = key_ring().cipher(blob[0])
    try:
        return cipher.decrypt(blob[1 : 1 + NONCE], blob[1 + NONCE :], aad).decode()
    except InvalidTag:
        raise SealBroken(_("A sealed value cannot be opened: it was altered, or sealed with other keys.")) from None


def blind_index(text: str) -> bytes:
    """16 bytes that are the same for the same text, and say nothing without the key."""
    return hmac.new(key_ring().index_key, text.encode(), hashlib.sha256).digest()[:INDEX_BYTES]


class BulkSealer:
    """The same results as blind_index() and seal(), for many values in one process: keys read once, nonces drawn in bulk."""

    def __init__(self) -> None:
        ring = key_ring()
        self._prefix = bytes([ring.current])
        self._encrypt = ring.cipher(ring.current).encrypt
        # HMAC by its two halves (RFC 2104): copying them takes half the time of copying an hmac object
        key = ring.index_key.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
        self._nonces = b""
        self._at = 0

    def index(self, text: str) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text.encode())
        outer.update(inner.digest())
        return outer.digest()[:INDEX_BYTES]

    def seal(self, text: str, aad: bytes | None = None) -> bytes:
        if text == "":
            return b""
        at = self._at
        if at == len(self._nonces):
            self._nonces, at = os.urandom(NONCE * NONCES_AT_ONCE), 0
        self._at = at + NONCE
        nonce = self._nonces[at : at + NONCE]
        return self._prefix + nonce + self._encrypt(nonce, text.encode(), aad)

    def index_and_seal(self, text: str) -> tuple[bytes, bytes]:
        """(blind index, sealed value) of one text."""
        return self.index(text), self.seal(text)


# ---------------------------------------------------------------- model field


class SealedTextField(models.BinaryField):
    """Text that rests sealed. "" stays "", None stays NULL. Cannot be searched: look up by a blind index beside it."""

    description = "Sealed text"
    personal = True
    empty_values = [None, ""]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def get_default(self) -> Any:
        return self._get_default() if self.has_default() else (None if self.null else "")

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        return None if value is None else unseal(value)

    def to_python(self, value: Any) -> str | None:
        return value

    def get_prep_value(self, value: Any) -> bytes | None:
        if value is None or isinstance(value, bytes | memoryview):
            return value
        return seal(str(value))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return super().get_db_prep_value(value if prepared else self.get_prep_value(value), connection, True)

    def value_to_string(self, obj: Any) -> str:
        return self.value_from_object(obj)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise TypeError(f"{self.name} rests sealed and cannot be searched by {lookup_name}; use its blind index.")
        return super().get_lookup(lookup_name)


# ---------------------------------------------------------------- rotation

_sealed_fields: set[tuple[str, str, str | None]] = set()


def register_sealed(model_label: str, field: str, aad_field: str | None = None) -> None:
    """Name a plain binary field that holds sealed values, so that a rotation reaches it. SealedTextFields are found by themselves."""
    _sealed_fields.add((model_label, field, aad_field))


def sealed_fields() -> list[tuple[str, str, str | None]]:
    """(model label, field, field of the associated data) of everything that rests sealed."""
    found = {
        (model._meta.label, field.attname, None)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, SealedTextField)
    }
    return sorted(found | _sealed_fields, key=str)


def reseal(blob: bytes, aad: bytes | None = None) -> bytes:
    """The same text under the current key."""
    return seal(unseal(blob, aad), aad)
