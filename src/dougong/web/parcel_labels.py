"""Labels of parcels as one PDF, for a page and for the API."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Response

from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.infra.db import transaction
from dougong.infra.labels import Label, labels_file
from dougong.reads.waves import label_rows
from dougong.web.i18n import gettext, ngettext

MOST_LABELS = 500


async def labels_answer(store_id: StoreId, ids: Sequence[UUID]) -> Response[bytes]:
    """One document for a batch: of packages, or of all on hand-over lists; drawn without a
    transaction. Raises BadInput where none of them has a number."""
    async with transaction() as conn:
        rows = await label_rows(conn, store_id=store_id, ids=ids, most=MOST_LABELS)
    if not rows:
        raise BadInput(field="package", reason="no_parcel")
    made = await asyncio.to_thread(labels_file, [_label(row) for row in rows])
    name = {"content-disposition": 'inline; filename="labels.pdf"'}
    return Response(made, media_type="application/pdf", headers=name)


def _label(row: Any) -> Label:
    parts = ("province", "city", "district", "line", "postcode")
    units = ngettext("{n} unit", "{n} units", row.units).format(n=row.units)
    weight = f"{row.weight_g / 1000:.2f} kg" if row.weight_g else ""
    return Label(
        carrier=row.carrier,
        number=row.tracking_no,
        order_number=row.number,
        recipient=str(row.address.get("recipient") or ""),
        phone=str(row.address.get("phone") or ""),
        address=" ".join(str(row.address[part]) for part in parts if row.address.get(part)),
        sender=gettext("Sent by {name}").format(name=row.store_name),
        note=" · ".join(filter(None, (units, weight))),
    )
