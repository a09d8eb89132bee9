"""What search engines read of a product: schema.org as JSON-LD."""

from typing import Any

from dougong.base.money import decimal_text
from dougong.infra.settings import settings
from dougong.reads.shopper_products import ProductView, Variant
from dougong.web.i18n import pick
from dougong.web.options import option_text

GTIN_LENGTHS = (8, 12, 13, 14)


def absolute(path: str) -> str:
    """A path of this site as it is reached from outside."""
    return settings().public_url.rstrip("/") + path


def product_json_ld(product: ProductView, *, images: list[str]) -> dict[str, Any]:
    """schema.org/Product with one Offer per variant; `images`: paths of this site."""
    address = absolute(f"/p/{product.store.id}/{product.id}")
    made: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": pick(product, "title"),
        "description": pick(product, "description"),
        "sku": product.code,
        "category": pick(product, "category"),
        "url": address,
        "image": [absolute(path) for path in images],
        "offers": [_offer(product, variant, address) for variant in product.variants],
    }
    if product.brand:
        made["brand"] = {"@type": "Brand", "name": product.brand}
    return made


def _offer(product: ProductView, variant: Variant, address: str) -> dict[str, Any]:
    stock = "InStock" if variant.free > 0 else "OutOfStock"
    made: dict[str, Any] = {
        "@type": "Offer",
        "sku": variant.code,
        "price": decimal_text(variant.price_minor, product.store.currency),
        "priceCurrency": product.store.currency,
        "availability": f"https://schema.org/{stock}",
        "itemCondition": "https://schema.org/NewCondition",
        "url": address,
        "seller": {"@type": "Organization", "name": pick(product.store, "name")},
    }
    if variant.options:
        made["name"] = option_text(variant.options)
    if variant.gtin and len(variant.gtin) in GTIN_LENGTHS:
        made[f"gtin{len(variant.gtin)}"] = variant.gtin
    return made
