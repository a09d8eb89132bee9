"""Which demuxer a file gets: decided by its first bytes, never by its name."""

from __future__ import annotations

SNIFF_BYTES = 4096

BOX_HEADER_BYTES = 8
# QuickTime files older than `ftyp` start with one of these boxes.
BARE_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})
# https://mp4ra.org/registered-types/brands
VIDEO_BRANDS = frozenset(
    {
        *(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"),
        *(b"mp41", b"mp42", b"avc1", b"hvc1", b"av01", b"dash", b"msdh", b"MSNV", b"XAVC"),
        *(b"qt  ", b"M4V ", b"M4VH", b"M4VP", b"M4A ", b"f4v ", b"mmp4"),
        *(b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3gg6", b"3gr6", b"3gs6", b"3g2a", b"3g2b", b"3g2c"),
    }
)
# Still pictures and picture sequences in the same kind of boxes.
PICTURE_BRANDS = frozenset(
    {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"}
)

EBML_MAGIC = b"\x1a\x45\xdf\xa3"
EBML_DOC_TYPE = b"\x42\x82"
DOC_TYPES = frozenset({b"matroska", b"webm"})


def sniff_container(head: bytes) -> str | None:
    """The demuxer for a file that starts with `head`: "mp4", "matroska", or None.

    head: the first 4 096 bytes, or all of a shorter file. Anything that can name other files
    (playlists, concat lists, SDP, picture sequences) or is text has no demuxer here.
    """
    if len(head) >= BOX_HEADER_BYTES and _is_mp4(head):
        return "mp4"
    if head.startswith(EBML_MAGIC) and _doc_type(head) in DOC_TYPES:
        return "matroska"
    return None


def _is_mp4(head: bytes) -> bool:
    size, kind = int.from_bytes(head[:4], "big"), head[4:8]
    if kind in BARE_BOXES:
        # 0 is "to the end of the file", 1 is "a 64-bit size follows".
        return size in (0, 1) or size >= BOX_HEADER_BYTES
    if kind != b"ftyp" or not 16 <= size <= SNIFF_BYTES:
        return False
    major = head[8:12]
    compatible = {head[at : at + 4] for at in range(16, min(size, len(head)), 4)}
    return major not in PICTURE_BRANDS and bool(({major} | compatible) & VIDEO_BRANDS)


def _doc_type(head: bytes) -> bytes | None:
    size, at = _ebml_size(head, 4)
    end = min(at + size, len(head))
    while at < end:
        element = head[at : at + (1 if head[at] & 0x80 else 2)]
        size, at = _ebml_size(head, at + len(element))
        if element == EBML_DOC_TYPE:
            return head[at : at + size].rstrip(b"\0")
        at += size
    return None


def _ebml_size(data: bytes, at: int) -> tuple[int, int]:
    """An EBML variable-length size (RFC 8794 §4) and where its content starts."""
    if at >= len(data) or not data[at]:
        return len(data), len(data)
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big") & ((1 << (7 * length)) - 1)
    return value, at + length
