"""Prices and product numbers as pages write them. Pure."""

import re
import unicodedata

from stdnum import ean

from dougong.base.money import BadAmount, Money, minor_from_text, scale

SIGNS = {"¥": "", "￥": "", "元": "CNY", "€": "EUR", "$": "", "£": "GBP", "RMB": "CNY"}
NUMBER = re.compile(r"\d[\d.,\s'’]*\d|\d")
CODE = re.compile(r"[A-Z]{3}")
GAPS = re.compile(r"[\s'’]")


def price_from(text: str, currency: str) -> Money | None:
    """The amount that a page's words name: `1,299.00`, `1.299,00`, `¥1299`, `12.5`.

    `currency`: the code that the page gives, or the source's own. None for what is no price, for
    a range, and where it is not clear which mark divides the fen from the yuan.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    found = NUMBER.findall(plain)
    if len(found) != 1 or "-" in plain.partition(found[0])[0]:
        return None
    number = _decimal(GAPS.sub("", found[0]), scale(currency))
    if number is None:
        return None
    try:
        return Money(minor_from_text(number, currency), currency)
    except BadAmount:
        return None


def _decimal(number: str, digits: int) -> str | None:
    """The number with at most one mark, a point before the minor units."""
    marks = [one for one in number if one in ".,"]
    if not marks:
        return number
    last = marks[-1]
    whole, _, part = number.rpartition(last)
    if len(set(marks)) == 2:
        groups = whole.split(marks[0])
        is_clear = last not in marks[:-1] and _are_thousands(groups) and len(part) <= digits
        return f"{''.join(groups)}.{part}" if is_clear else None
    if len(marks) > 1:
        groups = number.split(last)
        return "".join(groups) if _are_thousands(groups) else None
    if len(part) == 3 and digits != 3:
        # `1,299` is a thousand; `1.299` could be either, and is nothing that we may guess.
        return whole + part if last == "," and len(whole) <= 3 else None
    return f"{whole}.{part}" if 0 < len(part) <= digits or not part.strip("0") else None


def _are_thousands(groups: list[str]) -> bool:
    return 0 < len(groups[0]) <= 3 and all(len(one) == 3 for one in groups[1:])


def currency_from(text: str, default: str) -> str:
    """The ISO code in what a page says of its currency: `CNY`, `RMB`, `€`; else the default."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    if plain in SIGNS:
        return SIGNS[plain] or default
    return plain if CODE.fullmatch(plain) else default


def gtin_from(text: str) -> str | None:
    """A GTIN-8, -12, -13 or -14 with its check digit right; None for anything else."""
    digits = re.sub(r"[\s-]", "", text)
    is_gtin = digits.isascii() and digits.isdigit() and len(digits) in (8, 12, 13, 14)
    return digits if is_gtin and ean.is_valid(digits) else None
