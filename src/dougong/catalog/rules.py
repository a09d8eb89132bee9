"""What is true of stores, products and SKUs by rule. Pure."""

import re
from collections.abc import Mapping

import msgspec
from stdnum import ean

from dougong.base.errors import BadInput, Conflict, Refusal
from dougong.base.ids import SkuId

MAX_TITLE = 200
MAX_DESCRIPTION = 20_000
MAX_BRAND = 80
MAX_CODE = 80
MAX_PRICE_MINOR = 100_000_000_000
MAX_QUANTITY = 10_000_000
MAX_WEIGHT_G = 10_000_000
MAX_SKUS = 200
MAX_IMAGES = 12
MAX_OPTIONS = 6
MAX_COMMISSION_BP = 9_000
STATES = ("draft", "active", "archived")
STORE_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
CATEGORY_PATH = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*")
CURRENCY = re.compile(r"[A-Z]{3}")
OTHER = "other"
# Characters that a text may hold; everything else below a space is refused.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class StoreCodeTaken(Conflict):
    code = "store_code_taken"


class CategoryInUse(Conflict):
    """Products or other categories are in it, or feeds need it (`other`)."""

    code = "category_in_use"


class ProductCodeTaken(Conflict):
    """Another product of this store has the code."""

    code = "product_code_taken"


class SkuCodeTaken(Conflict):
    """Another SKU of this store has the code. Facts: `sku_code`."""

    code = "sku_code_taken"


class NotReady(Refusal):
    """A product cannot be shown yet. Facts: `missing`: price, category or title."""

    code = "product_not_ready"
    status = 409


class TooManyImages(Refusal):
    """Facts: `most`."""

    code = "too_many_images"


class ImageRefused(Refusal):
    """The picture cannot be taken. Facts: `why`, a code of the media reader."""

    code = "image_refused"


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One SKU as a merchant enters it. Money in minor units, weight in grams.

    `sku_id` None makes a new one. `quantity` None leaves the stock as it is.
    """

    code: str
    price_minor: int
    sku_id: SkuId | None = None
    options: dict[str, str] = {}
    list_price_minor: int | None = None
    gtin: str = ""
    weight_g: int = 0
    quantity: int | None = None


def clean_text(value: str, *, field: str, most: int, required: bool = False) -> str:
    """The text without outer blanks. Raises BadInput: missing, too_long, control_character."""
    text = value.strip()
    if required and not text:
        raise BadInput(field=field, reason="missing")
    if len(text) > most:
        raise BadInput(field=field, reason="too_long")
    if CONTROL.search(text):
        raise BadInput(field=field, reason="control_character")
    return text


def clean_gtin(value: str, *, field: str) -> str | None:
    """A GTIN-8, -12, -13 or -14 with its check digit right, blanks and hyphens taken out.

    None for an empty text. Raises BadInput (bad_gtin).
    """
    digits = value.replace(" ", "").replace("-", "")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and ean.is_valid(digits)):
        raise BadInput(field=field, reason="bad_gtin")
    return digits


def check_variant(variant: Variant, *, prefix: str = "") -> Variant:
    """The variant with its texts clean. Raises BadInput at `prefix` + the field."""
    code = clean_text(variant.code, field=f"{prefix}code", most=MAX_CODE, required=True)
    if not 1 <= variant.price_minor <= MAX_PRICE_MINOR:
        raise BadInput(field=f"{prefix}price", reason="out_of_range")
    list_price = variant.list_price_minor
    if list_price is not None and not variant.price_minor < list_price <= MAX_PRICE_MINOR:
        raise BadInput(field=f"{prefix}list_price", reason="list_price_not_above_price")
    if not 0 <= variant.weight_g <= MAX_WEIGHT_G:
        raise BadInput(field=f"{prefix}weight_g", reason="out_of_range")
    if variant.quantity is not None and not 0 <= variant.quantity <= MAX_QUANTITY:
        raise BadInput(field=f"{prefix}quantity", reason="out_of_range")
    return msgspec.structs.replace(
        variant,
        code=code,
        gtin=clean_gtin(variant.gtin, field=f"{prefix}gtin") or "",
        options=check_options(variant.options, field=f"{prefix}options"),
    )


def check_options(options: Mapping[str, str], *, field: str) -> dict[str, str]:
    """Raises BadInput: too_many, missing, too_long, control_character."""
    if len(options) > MAX_OPTIONS:
        raise BadInput(field=field, reason="too_many")
    return {
        clean_text(name, field=field, most=40, required=True): clean_text(
            value, field=field, most=80, required=True
        )
        for name, value in options.items()
    }


def check_commission(rate_bp: int | None) -> int | None:
    """Raises BadInput outside 0 to 9 000 basis points."""
    if rate_bp is not None and not 0 <= rate_bp <= MAX_COMMISSION_BP:
        raise BadInput(field="commission", reason="out_of_range")
    return rate_bp
