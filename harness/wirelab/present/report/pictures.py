"""Checks pictures that come as base64: whether they are what they are called, whole, and how large. Draws nothing.

A picture is handed on as it is, for others to draw; what is broken, or would take all of their memory, is refused. Sources: PNG (ISO/IEC 15948), JPEG (ITU-T T.81, annex B), Scalable Vector Graphics 2, sections 8.2 and 8.9.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

MOST_BYTES = 16_000_000
MOST_PIXELS = 60_000_000
MOST_SIDE = 20_000.0
DEEPEST = 200  # elements within elements of a drawing

PNG, JPEG, SVG = "image/png", "image/jpeg", "image/svg+xml"

_LENGTH = re.compile(r"\s*([0-9]{1,6}(?:\.[0-9]{0,6})?)\s*(px|pt|pc|mm|cm|in)?\s*")
_UNITS = {"px": 1.0, "pt": 96 / 72, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
_UNSIZED = (300.0, 150.0)  # px: what CSS 2.2, section 10.3.2 gives what has no size


class BadPicture(ValueError):
    """Data that is not the picture it is called, or one that is too large."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a file has it, and its size in CSS pixels (1/96 inch)."""

    mime: str
    data: bytes
    width: float
    height: float


def decoded(mime: str, text: str) -> Picture:
    """The picture that a base64 text is. Raises BadPicture."""
    if len(text) > MOST_BYTES * 4 // 3 + 4:
        raise BadPicture("too large")
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadPicture("not base64") from None
    return checked(mime, data)


def checked(mime: str, data: bytes) -> Picture:
    """A picture of this kind with this data. Raises BadPicture."""
    if len(data) > MOST_BYTES:
        raise BadPicture("too large")
    measure = {PNG: _png, JPEG: _jpeg, SVG: _svg}.get(mime)
    if measure is None:
        raise BadPicture("unknown kind")
    width, height = measure(data)
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE and width * height <= MOST_PIXELS):
        raise BadPicture("no size, or too large")
    return Picture(mime, data, width, height)


def _png(data: bytes) -> tuple[float, float]:
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise BadPicture("not PNG")
    at, size = 8, (0, 0)
    kinds: list[bytes] = []
    while at + 12 <= len(data) and b"IEND" not in kinds[-1:]:
        (length,) = struct.unpack_from(">I", data, at)
        chunk = data[at + 4 : at + 8 + length]
        at += 12 + length
        if at > len(data) or struct.pack(">I", zlib.crc32(chunk)) != data[at - 4 : at]:
            raise BadPicture("broken PNG")
        kinds.append(chunk[:4])
        if len(kinds) == 1 and (chunk[:4], length) == (b"IHDR", 13):
            size = struct.unpack_from(">II", chunk, 4)
    if kinds[:1] != [b"IHDR"] or kinds[-1:] != [b"IEND"] or b"IDAT" not in kinds:
        raise BadPicture("broken PNG")
    return size


def _jpeg(data: bytes) -> tuple[float, float]:
    at = 2
    if data[:2] != b"\xff\xd8" or b"\xff\xd9" not in data[-64:]:
        raise BadPicture("not JPEG, or cut")
    while at + 9 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):  # a frame header, table B.1
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + max(2, length)
    raise BadPicture("broken JPEG")


def _svg(data: bytes) -> tuple[float, float]:
    parser = expat.ParserCreate(namespace_separator=" ")
    depth, root = 0, {}

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, root
        if not depth:
            if name != "http://www.w3.org/2000/svg svg":  # what says no namespace, browsers do not draw
                raise BadPicture("not SVG")
            root = attributes
        depth += 1
        if depth > DEEPEST:
            raise BadPicture("nested too deeply")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def entity(*_: Any) -> None:
        raise BadPicture("declares entities")

    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = start, end, entity
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BadPicture(f"not SVG: {error}") from None
    return _svg_size(root)


def _svg_size(root: dict[str, str]) -> tuple[float, float]:
    sides = [_pixels(root.get(name, "")) for name in ("width", "height")]
    try:
        wide, high = (float(number) for number in re.split(r"[\s,]+", root.get("viewBox", "").strip())[2:4])
    except ValueError:
        wide, high = _UNSIZED
    if not (0 < wide < MOST_SIDE and 0 < high < MOST_SIDE):
        wide, high = _UNSIZED
    width, height = sides
    if width and height:
        return width, height
    if width:
        return width, width * high / wide
    return (height * wide / high, height) if height else (wide, high)


def _pixels(length: str) -> float:
    """A length in pixels; 0 where there is none, or a share of what is not known."""
    found = _LENGTH.fullmatch(length)
    return float(found[1]) * _UNITS[found[2] or "px"] if found else 0.0
