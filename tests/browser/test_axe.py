"""axe-core finds nothing serious or critical on any main screen of a phone, in both languages."""

import pytest
from tests.browser.market import Market
from tests.browser.screens import ROLES, look_at

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("role", ROLES)
async def test_axe_finds_nothing_serious(market: Market, role: str, locale: str) -> None:
    seen = await look_at(market, role, locale)
    assert not seen.violations, "\n".join(seen.violations)
