"""Lists as a workbook (XLSX): numbers stay numbers, and no text is ever run as a formula."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from litestar import Response

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def xlsx_file(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response[bytes]:
    """One sheet; instants in UTC."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("1")
    sheet.append(list(head))
    for row in rows:
        cells = []
        for value in row:
            if isinstance(value, datetime):
                value = value.astimezone(UTC).replace(tzinfo=None)
            made = WriteOnlyCell(sheet, value=value)
            if isinstance(value, str):
                made.data_type = "s"
            cells.append(made)
        sheet.append(cells)
    target = io.BytesIO()
    book.save(target)
    return Response(
        target.getvalue(),
        media_type=KIND,
        headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'},
    )
