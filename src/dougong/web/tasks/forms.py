"""What the forms of tasks send, and what it means."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.money import BadAmount, decimal_text, minor_from_text
from dougong.infra.settings import settings
from dougong.reads.task_desk import own_product
from dougong.tasks.brief_rules import (
    BadBrief,
    Brief,
    Invoice,
    Measure,
    Model,
    Terms,
    Tier,
    Way,
)
from dougong.web.forms import Form
from dougong.web.operator.common import instant_from, local_text


class BriefForm(Form, kw_only=True):
    """All texts, as they are typed. `product`: the page or id of a mini-store's product; without
    one, `source` and `category` say what may be shown, and `link_url` where it is sold."""

    title_zh: str
    title_en: str = ""
    body_zh: str = ""
    body_en: str = ""
    way: str = "open"
    surface: str = "live"
    product: str = ""
    source: str = "own"
    category: str = ""
    link_url: str = ""
    model: str = "one_price"
    price: str = ""
    per_thousand: str = ""
    most: str = ""
    measure: str = "views"
    tiers: str = ""
    places: str = "1"
    budget: str = ""
    apply_until: str = ""
    starts_at: str = ""
    ends_at: str = ""
    deliver_within_days: str = "3"
    review_days: str = "5"
    pinned_minutes: str = "30"
    rooms: str = "1"
    public_days: str = "7"
    blacklist: str = ""
    samples_by: str = ""
    cancel_samples: str = "0"
    cancel_during: str = "50"
    cancel_delivered: str = "100"
    cancel_reached: str = "100"
    invoice_kind: str = "none"
    invoice_title: str = ""
    tax_no: str = ""
    least_followers: str = "0"


class NoteForm(Form):
    note: str = ""


class ReasonForm(Form):
    reason: str = ""


class ShareForm(Form):
    """`share` in percent."""

    share: str = ""
    reason: str = ""


class CancelForm(Form):
    """`stage`: what cancelling was said to cost went by it."""

    reason: str = ""
    stage: str = ""


class DeliverForm(Form):
    video: str = ""
    note: str = ""


class RateForm(Form):
    stars: str = ""
    words: str = ""


class InviteForm(Form):
    handle: str = ""
    note: str = ""


class ContractForm(Form):
    handle: str = ""
    share: str = ""
    starts: str = ""
    ends: str = ""


class LastDayForm(Form):
    """`last`: a day, or nothing for now."""

    last: str = ""


class Button(Form):
    """Nothing but its press."""


def amount_from(text: str, *, field: str) -> int:
    """Minor units of the platform's currency; nothing typed is 0. Raises BadBrief."""
    plain = text.strip().replace(",", "")
    try:
        return minor_from_text(plain, settings().currency) if plain else 0
    except BadAmount:
        raise BadBrief(field=field, reason="not_an_amount") from None


def whole_from(text: str, *, field: str) -> int:
    """Raises BadBrief."""
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) < 10):
        raise BadBrief(field=field, reason="not_a_number" if plain else "missing")
    return int(plain)


def percent_from(text: str, *, field: str) -> int:
    """Basis points. Raises BadBrief."""
    return _bp(text.strip().removesuffix("%").strip(), field)


def _bp(plain: str, field: str) -> int:
    try:
        found = minor_from_text(plain, "CNY")
    except BadAmount:
        raise BadBrief(field=field, reason="not_a_number" if plain else "missing") from None
    if not 0 <= found <= 10_000:
        raise BadBrief(field=field, reason="out_of_range")
    return found


def moment_from(text: str, *, field: str) -> datetime:
    """Raises BadBrief."""
    try:
        return instant_from(text, field=field, default=None)
    except BadInput:
        raise BadBrief(field=field, reason="no_date") from None


async def brief_from(
    conn: AsyncConnection, form: BriefForm, *, brief_id: UUID, brand_id: UUID
) -> Brief:
    """Raises BadBrief, naming the field."""
    terms = await _terms_from(conn, form)
    budget = amount_from(form.budget, field="budget")
    try:
        way = Way(form.way)
    except ValueError:
        raise BadBrief(field="way", reason="unknown") from None
    return Brief(
        id=brief_id,
        brand_id=brand_id,
        way=way,
        title_zh=form.title_zh,
        title_en=form.title_en,
        body_zh=form.body_zh,
        body_en=form.body_en,
        terms=terms,
        budget_minor=budget,
        places=whole_from(form.places, field="places"),
        apply_until=moment_from(form.apply_until, field="apply_until"),
    )


async def _terms_from(conn: AsyncConnection, form: BriefForm) -> Terms:
    is_live = form.surface == "live"
    by_views, by_tier = form.model == "per_thousand_views", form.model == "tiered"
    has_price = form.model != "commission"
    product = await own_product(conn, words=form.product) if form.product.strip() else None
    if form.product.strip() and product is None:
        raise BadBrief(field="product", reason="unknown")
    try:
        model = Model(form.model)
        measure = Measure(form.measure) if by_tier else None
    except ValueError:
        raise BadBrief(field="model", reason="unknown") from None
    samples = form.samples_by.strip()
    return Terms(
        surface=form.surface,
        source=product.source if product else form.source,
        category=product.category if product else (form.category.strip() or "*"),
        store_id=product.store_id if product else None,
        product_id=product.id if product else None,
        link_url=form.link_url.strip()[:2_000],
        product_zh=product.title_zh if product else "",
        product_en=product.title_en if product else "",
        model=model,
        currency=settings().currency,
        price_minor=amount_from(form.price, field="price") if has_price else 0,
        per_thousand_minor=amount_from(form.per_thousand, field="per_thousand") if by_views else 0,
        tiers=tiers_from(form.tiers) if by_tier else (),
        measure=measure,
        most_minor=amount_from(form.most, field="most") if by_views or by_tier else 0,
        starts_at=moment_from(form.starts_at, field="starts_at"),
        ends_at=moment_from(form.ends_at, field="ends_at"),
        deliver_within_days=whole_from(form.deliver_within_days, field="deliver_within_days"),
        review_days=whole_from(form.review_days, field="review_days"),
        pinned_minutes=whole_from(form.pinned_minutes, field="pinned_minutes") if is_live else 0,
        rooms=whole_from(form.rooms, field="rooms") if is_live else 0,
        public_days=0 if is_live else whole_from(form.public_days, field="public_days"),
        blacklist=tuple(form.blacklist.replace("，", " ").replace(",", " ").split()),
        samples_by=moment_from(samples, field="samples_by") if samples else None,
        cancel_samples_bp=percent_from(form.cancel_samples, field="cancel_samples"),
        cancel_during_bp=percent_from(form.cancel_during, field="cancel_during"),
        cancel_delivered_bp=percent_from(form.cancel_delivered, field="cancel_delivered"),
        cancel_reached_bp=percent_from(form.cancel_reached, field="cancel_reached"),
        invoice=Invoice(form.invoice_kind, form.invoice_title.strip(), form.tax_no.strip()),
        least_followers=whole_from(form.least_followers, field="least_followers"),
    )


def tiers_from(text: str) -> tuple[Tier, ...]:
    """One a line: from how many on, a blank, a price. Raises BadBrief."""
    found = []
    for line in text.strip().splitlines():
        parts = line.split()
        if len(parts) != 2 or not parts[0].isascii() or not parts[0].isdigit():
            raise BadBrief(field="tiers", reason="tier_line")
        found.append(Tier(int(parts[0]), amount_from(parts[1], field="tiers")))
    return tuple(found)


def shown_form(brief: Brief) -> BriefForm:
    """A brief as its form shows it."""
    terms, currency = brief.terms, brief.terms.currency

    def amount(minor: int) -> str:
        return decimal_text(minor, currency) if minor else ""

    same = {
        name: str(getattr(terms, name))
        for name in ("surface", "source", "link_url", "deliver_within_days", "review_days",
                     "pinned_minutes", "rooms", "public_days", "least_followers", "category")
    }  # fmt: skip
    tiers = "\n".join(f"{t.reached} {decimal_text(t.price_minor, currency)}" for t in terms.tiers)
    return BriefForm(
        title_zh=brief.title_zh,
        title_en=brief.title_en,
        body_zh=brief.body_zh,
        body_en=brief.body_en,
        way=brief.way,
        **same,
        product=f"/p/{terms.store_id}/{terms.product_id}" if terms.product_id else "",
        model=terms.model,
        price=amount(terms.price_minor),
        per_thousand=amount(terms.per_thousand_minor),
        most=amount(terms.most_minor),
        measure=terms.measure or "views",
        tiers=tiers,
        places=str(brief.places),
        budget=amount(brief.budget_minor),
        apply_until=local_text(brief.apply_until),
        starts_at=local_text(terms.starts_at),
        ends_at=local_text(terms.ends_at),
        blacklist=" ".join(terms.blacklist),
        samples_by=local_text(terms.samples_by) if terms.samples_by else "",
        cancel_samples=decimal_text(terms.cancel_samples_bp, "CNY"),
        cancel_during=decimal_text(terms.cancel_during_bp, "CNY"),
        cancel_delivered=decimal_text(terms.cancel_delivered_bp, "CNY"),
        cancel_reached=decimal_text(terms.cancel_reached_bp, "CNY"),
        invoice_kind=terms.invoice.kind,
        invoice_title=terms.invoice.title,
        tax_no=terms.invoice.tax_no,
    )


def typed(form: BriefForm) -> dict[str, str]:
    """For a template, that looks fields up by name."""
    return {name: getattr(form, name) for name in msgspec.structs.asdict(form) if name != "csrf"}
