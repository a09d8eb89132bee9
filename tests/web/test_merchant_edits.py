"""What a merchant saves stands in the audit log; several large photographs fit one form."""

import io
import random

from PIL import Image
from sqlalchemy import text
from tests.web.accounts import a_client, send
from tests.web.test_merchant import a_merchant, pictures, the_form

from dougong.infra.db import transaction
from dougong.web.app import MAX_BODY_BYTES


async def test_a_saved_product_is_audited_with_its_prices() -> None:
    mine = await a_merchant()
    async with a_client(mine.token) as client:
        made = await send(client, f"{mine.base}/products", **the_form())
        path = made.headers["location"]
        changed = the_form(price=["35.00", ""], list_price=["", ""])
        assert (await send(client, path, **changed)).status_code == 303
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT action, person_id, facts FROM audit_log
                WHERE owner_id = :id AND subject = 'N1' ORDER BY id
            """),
            {"id": mine.store_id},
        )
        rows = found.all()
    assert [(row.action, row.person_id, row.facts["prices"]) for row in rows] == [
        ("catalog.product_created", mine.person_id, ["N1-A 39.00 CNY"]),
        ("catalog.product_changed", mine.person_id, ["N1-A 35.00 CNY"]),
    ]


def a_photograph() -> bytes:
    """About 4 MB of noise, as large as a telephone's."""
    noise = random.Random(1).randbytes(1500 * 1000 * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (1500, 1000), noise).save(out, "PNG")
    return out.getvalue()


async def test_several_large_photographs_fit_one_form() -> None:
    mine = await a_merchant()
    one = a_photograph()
    assert 3 * len(one) > MAX_BODY_BYTES
    async with a_client(mine.token) as client:
        await client.get("/sign-in", follow_redirects=False)
        answer = await client.post(
            f"{mine.base}/products/{mine.product_id}/images",
            files=[("image", (f"{n}.png", one, "image/png")) for n in range(3)],
            headers={"x-csrftoken": client.cookies["csrftoken"]},
            follow_redirects=False,
        )
    assert answer.status_code == 303, answer.text[:300]
    assert len(await pictures(mine.product_id)) == 1  # the same picture three times
