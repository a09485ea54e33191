"""Files of a caller's, as the core takes them: bytes, a path, an open file, or a tuple of name, content and type."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import Any

# The argument in which the core finds them.
UPLOADS = "$uploads"

# The arguments of an operation that are files, and the name of one that has none.
_FIELDS: dict[str, tuple[tuple[str, ...], str]] = {
    "image_edit": (("image", "mask"), "upload"),
    "image_variation": (("image",), "upload"),
    "transcription": (("file",), "audio.wav"),
    "create_file": (("file",), "upload"),
}

# Field, name, media type, content.
Upload = tuple[str, str, str | None, bytes]

_PICTURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}


def _read(content: Any) -> bytes:
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    if isinstance(content, (str, os.PathLike)):
        return Path(content).read_bytes()
    if hasattr(content, "read"):
        read = content.read()
        return read.encode() if isinstance(read, str) else bytes(read)
    kind = type(content).__name__
    raise TypeError(f"a file is bytes, a path, an open file or a tuple (name, content[, type]), not {kind}")


def _name(content: Any, usual: str) -> str:
    named = content if isinstance(content, (str, os.PathLike)) else getattr(content, "name", None)
    return Path(named).name if isinstance(named, (str, os.PathLike)) else usual


def upload(field: str, file: Any, usual_name: str = "upload") -> Upload:
    """One file as `field`.

    Raises:
        TypeError: it is nothing that can be read.
        OSError: its path cannot be read.
    """
    media_type = None
    if isinstance(file, tuple):
        name, content = str(file[0] or usual_name), _read(file[1])
        media_type = file[2] if len(file) > 2 else None
    else:
        name, content = _name(file, usual_name), _read(file)
    if media_type is None and field in ("image", "mask"):
        media_type = next((kind for start, kind in _PICTURES.items() if content.startswith(start)), None)
    return field, name, media_type or mimetypes.guess_type(name)[0], content


def taken(op: str, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an operation, its files where the core finds them.

    Raises:
        TypeError, OSError: as `upload`.
    """
    given = {**given, **given["kwargs"], "kwargs": {}}
    fields, usual_name = _FIELDS[op]
    files = []
    for field in fields:
        value = given.pop(field, None)
        one_or_more = value if isinstance(value, list) else [value]
        files += [upload(field, one, usual_name) for one in one_or_more if one is not None]
    return {**given, UPLOADS: files}
