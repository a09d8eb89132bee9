"""Code 128, the barcode of parcels (ISO/IEC 15417): widths of bars and spaces, nothing drawn."""

# Widths of bar, space, bar, space, bar, space of every symbol, by its value; 106 ends a code.
_PATTERNS = [
    "212222",
    "222122",
    "222221",
    "121223",
    "121322",
    "131222",
    "122213",
    "122312",
    "132212",
    "221213",
    "221312",
    "231212",
    "112232",
    "122132",
    "122231",
    "113222",
    "123122",
    "123221",
    "223211",
    "221132",
    "221231",
    "213212",
    "223112",
    "312131",
    "311222",
    "321122",
    "321221",
    "312212",
    "322112",
    "322211",
    "212123",
    "212321",
    "232121",
    "111323",
    "131123",
    "131321",
    "112313",
    "132113",
    "132311",
    "211313",
    "231113",
    "231311",
    "112133",
    "112331",
    "132131",
    "113123",
    "113321",
    "133121",
    "313121",
    "211331",
    "231131",
    "213113",
    "213311",
    "213131",
    "311123",
    "311321",
    "331121",
    "312113",
    "312311",
    "332111",
    "314111",
    "221411",
    "431111",
    "111224",
    "111422",
    "121124",
    "121421",
    "141122",
    "141221",
    "112214",
    "112412",
    "122114",
    "122411",
    "142112",
    "142211",
    "241211",
    "221114",
    "413111",
    "241112",
    "134111",
    "111242",
    "121142",
    "121241",
    "114212",
    "124112",
    "124211",
    "411212",
    "421112",
    "421211",
    "212141",
    "214121",
    "412121",
    "111143",
    "111341",
    "131141",
    "114113",
    "114311",
    "411113",
    "411311",
    "113141",
    "114131",
    "311141",
    "411131",
    "211412",
    "211214",
    "211232",
    "2331112",
]
START_B, START_C, STOP = 104, 105, 106


class NotEncodable(ValueError):
    """A character outside printable ASCII."""


def values(text: str) -> list[int]:
    """Symbol values with start, check symbol and stop. Raises NotEncodable, also for nothing."""
    if not text or not all(" " <= c <= "~" for c in text):
        raise NotEncodable(text)
    if text.isdigit() and len(text) % 2 == 0:  # two digits a symbol
        found = [START_C, *(int(text[n : n + 2]) for n in range(0, len(text), 2))]
    else:
        found = [START_B, *(ord(c) - 32 for c in text)]
    check = (found[0] + sum(n * value for n, value in enumerate(found[1:], start=1))) % 103
    return [*found, check, STOP]


def widths(text: str) -> list[int]:
    """Modules of bar, space, bar, … of the whole code, without its quiet zones of ten modules."""
    return [int(width) for value in values(text) for width in _PATTERNS[value]]
