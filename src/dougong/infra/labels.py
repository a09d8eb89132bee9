"""Labels of parcels, 100 × 150 mm, one a page, one document for a batch: never on an event loop's
own thread, as the font takes a moment."""

from collections.abc import Sequence

import msgspec
from fpdf import FPDF

from dougong.infra.code128 import widths
from dougong.infra.fonts import font_file, fonts_dir

WIDTH, HEIGHT, EDGE = 100, 150, 5


class Label(msgspec.Struct, frozen=True):
    carrier: str
    number: str
    order_number: str
    recipient: str
    phone: str
    address: str
    sender: str
    note: str


class Labels(FPDF):
    def __init__(self) -> None:
        super().__init__(format=(WIDTH, HEIGHT))
        folder = fonts_dir()
        self.add_font("noto", "", font_file(folder, "regular"))
        self.add_font("noto", "B", font_file(folder, "bold"))
        self.set_margins(EDGE, EDGE, EDGE)
        self.set_auto_page_break(False)

    def put(self, label: Label) -> None:
        self.add_page()
        self._line(label.carrier, size=18, bold=True)
        self._bars(label.number, top=20, height=24)
        self.set_y(45)
        self._line(label.number, size=13, bold=True, align="C")
        self._rule(54)
        self.set_y(57)
        self._line(f"{label.recipient}  {label.phone}", size=14, bold=True)
        self._line(label.address, size=12)
        self._rule(100)
        self.set_y(103)
        self._line(label.sender, size=9)
        self._bars(label.order_number, top=114, height=12)
        self.set_y(127)
        self._line(label.order_number, size=9, align="C")
        self._line(label.note, size=9)

    def _line(self, words: str, *, size: int, bold: bool = False, align: str = "L") -> None:
        self.set_font("noto", "B" if bold else "", size)
        self.multi_cell(0, size * 0.5, words, align=align, new_x="LMARGIN", new_y="NEXT")

    def _rule(self, y: int) -> None:
        self.set_line_width(0.3)
        self.line(EDGE, y, WIDTH - EDGE, y)

    def _bars(self, text: str, *, top: float, height: float) -> None:
        """A barcode across the label, with quiet zones of ten modules on both sides."""
        found = widths(text)
        module = (WIDTH - 2 * EDGE) / (sum(found) + 20)
        x = EDGE + 10 * module
        self.set_fill_color(0, 0, 0)
        for n, width in enumerate(found):
            if n % 2 == 0:
                self.rect(x, top, width * module, height, style="F")
            x += width * module


def labels_file(labels: Sequence[Label]) -> bytes:
    """One PDF with all of them."""
    made = Labels()
    for label in labels:
        made.put(label)
    return bytes(made.output())
