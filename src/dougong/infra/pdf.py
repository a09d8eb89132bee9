"""Documents to keep: headings, figures and tables on A4, in Chinese and English.

Making one takes up to a second, most of it for the font: never on an event loop's own thread.
"""

from collections.abc import Sequence
from datetime import datetime

from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from dougong.infra.fonts import font_file, fonts_dir

INK, SOFT, LINE, BRAND = (27, 21, 18), (95, 85, 78), (232, 225, 219), (209, 51, 26)
FIGURES_IN_A_ROW = 4


class Document(FPDF):
    """One A4 document with its title on the first page and page numbers on all."""

    def __init__(self, *, title: str, subtitle: str, made_at: datetime, language: str) -> None:
        super().__init__(format="A4")
        folder = fonts_dir()
        self.add_font("noto", "", font_file(folder, "regular"))
        self.add_font("noto", "B", font_file(folder, "bold"))
        self.set_title(title)
        self.set_lang(language)
        self.set_creation_date(made_at)
        self.set_margins(16, 16, 16)
        self.set_auto_page_break(True, margin=20)
        self.add_page()
        self._say(title, size=20, bold=True)
        self._say(subtitle, size=10, colour=SOFT)
        self.set_draw_color(*BRAND)
        self.set_line_width(0.8)
        self.line(16, self.get_y() + 2, 44, self.get_y() + 2)
        self.ln(7)

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("noto", size=8)
        self.set_text_color(*SOFT)
        self.cell(0, 6, f"{self.title} · {self.page_no()} / {{nb}}", align="R")

    def _say(
        self, words: str, *, size: int, bold: bool = False, colour: tuple[int, int, int] = INK
    ) -> None:
        self.set_font("noto", "B" if bold else "", size)
        self.set_text_color(*colour)
        self.multi_cell(0, size * 0.5, words, new_x="LMARGIN", new_y="NEXT")

    def heading(self, words: str) -> None:
        self.ln(4)
        self._say(words, size=13, bold=True)
        self.ln(1)

    def figures(self, figures: Sequence[tuple[str, str]]) -> None:
        """Pairs of label and value, as tiles."""
        width = self.epw / FIGURES_IN_A_ROW
        for start in range(0, len(figures), FIGURES_IN_A_ROW):
            top = self.get_y()
            if top + 16 > self.page_break_trigger:
                self.add_page()
                top = self.get_y()
            for n, (label, value) in enumerate(figures[start : start + FIGURES_IN_A_ROW]):
                self.set_xy(self.l_margin + n * width, top)
                self.set_font("noto", size=8)
                self.set_text_color(*SOFT)
                self.cell(width, 5, label)
                self.set_xy(self.l_margin + n * width, top + 5)
                self.set_font("noto", "B", 13)
                self.set_text_color(*INK)
                self.cell(width, 7, value)
            self.set_xy(self.l_margin, top + 16)

    def rows(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], *, widths: Sequence[int]
    ) -> None:
        """A table; all columns but the first stand to the right. `widths`: shares of the page."""
        self.set_font("noto", size=8)
        self.set_text_color(*INK)
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        aligned = ("LEFT", *("RIGHT" for _ in head[1:]))
        with self.table(
            col_widths=tuple(widths),
            text_align=aligned,
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=FontFace(emphasis="BOLD", color=SOFT),
            line_height=5,
        ) as table:
            for cells in (head, *rows):
                row = table.row()
                for cell in cells:
                    row.cell(cell)

    def file(self) -> bytes:
        return bytes(self.output())
