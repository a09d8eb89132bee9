"""From an empty warehouse to whole books: what is bought, sold out, sent, and comes back."""

from tests.browser.supply_cases import (
    ann_is_refused_and_the_platform_rules,
    ben_sends_back_what_arrives_damaged,
    cai_gets_another_one,
    the_window_passes,
)
from tests.browser.supply_counts import a_unit_goes_south
from tests.browser.supply_dropship import a_supplier_sends_it_itself
from tests.browser.supply_goods import (
    a_live_sale_sells_out,
    goods_are_ordered,
    the_bill_is_matched,
    they_come_with_a_difference,
    what_was_missing_comes,
)
from tests.browser.supply_parcels import (
    a_wave_is_picked,
    labels_are_printed,
    parcels_are_delivered,
    parcels_are_packed,
    the_driver_takes_them,
)
from tests.browser.supply_people import Told


async def live(told: Told) -> None:
    """Every chapter; a fault comes with the end of the server's log."""
    for chapter in (
        goods_are_ordered,
        they_come_with_a_difference,
        a_live_sale_sells_out,
        a_unit_goes_south,
        a_wave_is_picked,
        parcels_are_packed,
        labels_are_printed,
        the_driver_takes_them,
        parcels_are_delivered,
        a_supplier_sends_it_itself,
        what_was_missing_comes,
        the_bill_is_matched,
        ann_is_refused_and_the_platform_rules,
        ben_sends_back_what_arrives_damaged,
        cai_gets_another_one,
        the_window_passes,
    ):
        try:
            await chapter(told)
        except Exception as error:
            error.add_note(f"in {chapter.__name__}")
            error.add_note("\n".join(told.market.errors))
            error.add_note(told.market.server.log.read_text()[-4000:])
            raise
