"""Finds mappings: those that come with the platform, and an operator's own, which go before."""

import tomllib
from pathlib import Path

import msgspec

from dougong.infra.settings import settings
from dougong.referrals.mapping_rules import Mapping
from dougong.referrals.rules import BadReport, UnknownMapping

OURS = Path(__file__).parent / "mappings"


def own_folder() -> Path:
    """Where an operator's own mappings are: files of the same form, named as they are."""
    return settings().data_dir / "mappings"


def mapping_names() -> list[str]:
    found = {file.stem for folder in (OURS, own_folder()) for file in folder.glob("*.toml")}
    return sorted(found)


def mapping_of(name: str) -> Mapping:
    """The mapping of a name. Raises UnknownMapping, or BadReport (`bad_mapping`) for a file that
    is none, saying what is wrong with it."""
    if name not in mapping_names():
        raise UnknownMapping(field="mapping")
    own = own_folder() / f"{name}.toml"
    file = own if own.exists() else OURS / f"{name}.toml"
    try:
        made = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Mapping).check()
        if made.name != name:
            raise ValueError(f"name is {made.name}")
        return made
    except (ValueError, KeyError, OSError) as error:  # also tomllib's and msgspec's own
        raise BadReport(field="mapping", why="bad_mapping", detail=str(error)) from error


def all_mappings() -> list[Mapping]:
    """Every mapping that can be read, by name."""
    found = []
    for name in mapping_names():
        try:
            found.append(mapping_of(name))
        except BadReport:
            continue  # said when somebody asks for it by name
    return found
