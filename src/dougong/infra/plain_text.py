"""What people write becomes plain text: no markup, no control characters, no empty lines."""

import re
import unicodedata

import nh3

# Overrides of the writing direction can make a text say something else than it does.
BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0xFEFF])
BLANK_LINES = re.compile(r"\n\s*\n\s*")
ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&"}


def plain_text(text: str) -> str:
    """The text without tags and without what cannot be seen; templates escape it once more.

    nh3 drops elements (and the content of scripts and styles), and answers HTML; the five
    entities that it writes are turned back, so that "1 < 2 & 3" stays what was typed.
    """
    clean = nh3.clean(text, tags=set(), attributes={})
    for entity, character in ENTITIES.items():
        clean = clean.replace(entity, character)
    kept = "".join(
        c for c in clean.translate(BIDI) if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"}
    )
    return BLANK_LINES.sub("\n\n", kept).strip()
