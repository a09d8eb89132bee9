"""QR codes as SVG: sharp at any size, drawn here and by nobody else."""

import io

import segno
from litestar import Response
from markupsafe import Markup

KEPT_S = 86_400


def qr_svg(said: str) -> Markup:
    """A QR code (ISO/IEC 18004, error correction M) to stand in a page; it is decoration there:
    what it says has to be on the page too."""
    made = segno.make(said, error="m", micro=False)
    drawn = made.svg_inline(border=2, omitsize=True, svgclass="qr", lineclass=None)
    return Markup(drawn)  # noqa: S704 (modules only: segno draws, nothing of the text stands in it)


def qr_answer(said: str) -> Response[bytes]:
    """The same as a file."""
    kept = io.BytesIO()
    segno.make(said, error="m", micro=False).save(kept, kind="svg", border=4, scale=8)
    headers = {"cache-control": f"public, max-age={KEPT_S}"}
    return Response(kept.getvalue(), media_type="image/svg+xml", headers=headers)
