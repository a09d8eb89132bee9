"""The buyer's map: where a parcel has been, in tiles."""

from types import SimpleNamespace

from dougong.supply.carrier_rules import PROVINCES
from dougong.web.province_map import TILES, parcel_map


def test_every_province_has_a_tile_of_its_own() -> None:
    assert set(TILES) == set(PROVINCES)
    assert len(set(TILES.values())) == 34


def test_the_way_goes_from_province_to_province() -> None:
    events = [SimpleNamespace(province=one) for one in ("上海市", "江苏省", "江苏省", "", "浙江省")]
    made = parcel_map(events, to_province="上海")
    assert made is not None and made.places == ["浙江", "江苏", "上海"]
    kinds = {tile.name: tile.kind for tile in made.tiles if tile.kind}
    assert kinds == {"浙江": "from", "江苏": "passed", "上海": "now"}


def test_a_parcel_that_was_nowhere_has_no_map() -> None:
    assert parcel_map([SimpleNamespace(province="Bavaria")], to_province="上海") is None
