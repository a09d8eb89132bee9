"""Files of this data set: uploads in parts, media folders, names that only we choose."""

import os
import shutil
from pathlib import Path
from uuid import UUID

from dougong.infra.settings import settings

MEDIA_ROOT = "/media/"


class WrongLength(OSError):
    """A part file is not as long as the database says: the upload cannot be continued."""


def public_url(file: str) -> str:
    """Where a file below the media directory is reached by a browser."""
    return MEDIA_ROOT + file


def media_path(file: str) -> Path:
    return settings().data_dir / "media" / file


def upload_path(upload_id: UUID) -> Path:
    """Where the bytes of an upload are kept: outside the public media directory."""
    return settings().data_dir / "uploads" / f"{upload_id.hex}.part"


def write_part(upload_id: UUID, *, offset: int, data: bytes) -> None:
    """Write bytes at a place of an upload and make them durable.

    What lies behind `offset` from an earlier, uncommitted try is overwritten. Raises WrongLength
    when bytes before `offset` are missing.
    """
    path = upload_path(upload_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(handle).st_size < offset:
            raise WrongLength(f"{path.name}: {os.fstat(handle).st_size} < {offset}")
        os.ftruncate(handle, offset)
        view = memoryview(data)
        at = offset
        while view:
            written = os.pwrite(handle, view, at)
            view, at = view[written:], at + written
        os.fdatasync(handle)
    finally:
        os.close(handle)


def remove_upload(upload_id: UUID) -> None:
    upload_path(upload_id).unlink(missing_ok=True)


def stored_uploads() -> list[UUID]:
    """The uploads that have bytes on disk."""
    folder = settings().data_dir / "uploads"
    return [UUID(hex=path.stem) for path in folder.glob("*.part")] if folder.exists() else []


def remove_media(folder: str) -> None:
    shutil.rmtree(media_path(folder), ignore_errors=True)


def remove_siblings(folder: str) -> None:
    """Remove what earlier, interrupted tries left beside a media folder."""
    kept = media_path(folder)
    for path in kept.parent.iterdir() if kept.exists() else ():
        if path != kept:
            shutil.rmtree(path, ignore_errors=True)


def withdraw_media(folder: str) -> None:
    """Take a folder out of what browsers can reach; it is kept below `withdrawn/`."""
    _move(media_path(folder), settings().data_dir / "withdrawn" / folder)


def bring_back_media(folder: str) -> None:
    """Put a withdrawn folder back to where browsers reach it."""
    _move(settings().data_dir / "withdrawn" / folder, media_path(folder))


def _move(source: Path, target: Path) -> None:
    """Does nothing when it was done already: the job may run twice."""
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
