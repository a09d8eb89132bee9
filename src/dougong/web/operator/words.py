"""What the operator's pages call things: verbs of the audit log, jobs, columns of rules."""

from collections.abc import Mapping
from typing import Any

from dougong.web.i18n import gettext, mark
from dougong.web.render import money

ACTIONS: dict[str, str] = {
    "accounts.audit_exported": mark("Took the audit log out as a file"),
    "accounts.entered_as_demo": mark("Entered the demo as this person"),
    "accounts.key_made": mark("Made an API key"),
    "accounts.key_revoked": mark("Revoked an API key"),
    "accounts.invitation_withdrawn": mark("Withdrew an invitation"),
    "accounts.member_invited": mark("Invited somebody"),
    "accounts.member_joined": mark("Joined an organisation"),
    "accounts.member_removed": mark("Removed a member"),
    "accounts.operator_made": mark("Made somebody an operator"),
    "accounts.person_reinstated": mark("Let a suspended account in again"),
    "accounts.person_suspended": mark("Suspended an account"),
    "accounts.organisation_opened": mark("Opened an organisation"),
    "accounts.password_changed": mark("Changed the password"),
    "accounts.signed_in": mark("Signed in"),
    "accounts.signed_out_everywhere": mark("Signed out everywhere"),
    "accounts.signed_up": mark("Signed up"),
    "catalog.purchase_address": mark("Set where a product is bought"),
    "links.source_added": mark("Added a source"),
    "links.source_changed": mark("Changed a source"),
    "links.source_state_set": mark("Set the state of a source"),
    "catalog.category_added": mark("Added a category"),
    "catalog.category_changed": mark("Changed a category"),
    "catalog.category_removed": mark("Removed a category"),
    "catalog.coupon_ended": mark("Ended a coupon"),
    "catalog.coupon_issued": mark("Made a coupon"),
    "catalog.feed_imported": mark("Imported a product feed"),
    "catalog.product_changed": mark("Changed a product"),
    "catalog.product_created": mark("Made a product"),
    "catalog.state_set": mark("Put products on or off sale"),
    "catalog.store_changed": mark("Changed the store's settings"),
    "catalog.store_opened": mark("Opened a store"),
    "clock.advance": mark("Moved the business clock ahead"),
    "content.comment_removed": mark("Removed a comment"),
    "content.resolve_reports": mark("Decided about a reported video"),
    "content.video_restored": mark("Put a removed video back"),
    "gifts.app_table_read": mark("Took in a table of other apps"),
    "gifts.gift_ended": mark("Stopped offering a gift"),
    "gifts.gift_offered": mark("Offered a gift"),
    "gifts.limit_set": mark("Set a limit of gifts by age"),
    "gifts.pack_ended": mark("Stopped selling a coin pack"),
    "gifts.pack_offered": mark("Offered a coin pack"),
    "gifts.taken_back": mark("Took a gift back"),
    "standing.appeal_answered": mark("Answered an appeal"),
    "standing.appealed": mark("Appealed against a penalty"),
    "standing.deposit_returned": mark("Returned a part of a deposit"),
    "standing.penalised": mark("Decided a penalty"),
    "standing.penalty_reversed": mark("Took a penalty back"),
    "standing.rule_approved": mark("Approved a rule about merchants"),
    "standing.rule_drafted": mark("Drafted a rule about merchants"),
    "live.room_cut": mark("Cut off a live room"),
    "jobs.retry": mark("Started a failed job again"),
    "links.share_channel_state": mark("Opened or blocked a share channel"),
    "orders.import_history": mark("Imported a history of orders"),
    "orders.refunded": mark("Refunded an order"),
    "orders.shipped": mark("Sent a package"),
    "partners.accept": mark("Accepted an offer"),
    "partners.add_delivery": mark("Added what was delivered"),
    "partners.close_dispute": mark("Closed a dispute with a partner"),
    "partners.comment": mark("Commented on an agreement"),
    "partners.dispute": mark("Opened a dispute with a partner"),
    "partners.dispute_note": mark("Added to a dispute with a partner"),
    "partners.end": mark("Gave notice or gave up an agreement"),
    "partners.offer": mark("Put terms on the table"),
    "partners.open_round": mark("Opened a round of agreements"),
    "partners.say_amount": mark("Wrote an amount of an agreement down"),
    "partners.sign": mark("Signed an agreement"),
    "partners.take_back": mark("Withdrew or declined an offer"),
    "payments.refund_sent_again": mark("Sent a failed refund again"),
    "payments.resolve_unallocated": mark("Decided about unallocated money"),
    "referrals.dispute": mark("Ruled anew on an order of another platform"),
    "referrals.report_taken": mark("Took in a report of another platform"),
    "referrals.row_set_aside": mark("Set a bad row of a report aside"),
    "policy.approve": mark("Approved a rule"),
    "policy.draft": mark("Drafted a rule"),
    "policy.end": mark("Ended a rule"),
    "settlement.case_moved": mark("Decided about a difference"),
    "settlement.case_noted": mark("Wrote a note on a difference"),
    "settlement.receipts_imported": mark("Imported payments of a partner"),
    "settlement.reconciled": mark("Reconciled with a partner"),
    "settlement.terms_set": mark("Set tolerances of a partner"),
    "settlement.case_disputed": mark("Said otherwise about a difference"),
    "supply.carrier_added": mark("Added a carrier"),
    "supply.carrier_closed": mark("Stopped offering a carrier"),
    "supply.carrier_opened": mark("Offered a carrier again"),
    "supply.rates_added": mark("Added rates of a carrier"),
    "supply.tracking_loaded": mark("Loaded tracking from a file"),
    "supply.tracking_typed": mark("Typed what happened to a parcel"),
    "supply.stock_set": mark("Set the stock"),
    "tasks.accept": mark("Accepted a task and paid it"),
    "tasks.brief_close": mark("Closed a brief"),
    "tasks.brief_post": mark("Opened a brief to creators"),
    "tasks.cancel": mark("Cancelled a task"),
    "tasks.choose": mark("Agreed on a task"),
    "tasks.decline": mark("Declined an application for a task"),
    "tasks.deliver": mark("Delivered a task"),
    "tasks.dispute": mark("Disputed a task"),
    "tasks.invite": mark("Asked a creator to take a task"),
    "tasks.part": mark("Offered a part of a task's price"),
    "tasks.rate": mark("Rated the other side of a task"),
    "tasks.redo": mark("Asked for a task to be done again"),
    "tasks.rule": mark("Ruled on a disputed task"),
    "tasks.samples": mark("Sent samples for a task"),
    "tasks.samples_received": mark("Received samples for a task"),
    "tasks.statement": mark("Stated more of a disputed task"),
    "tasks.take_part": mark("Took the part of a task's price that was offered"),
    "supply.supplier_added": mark("Added a supplier"),
    "supply.supplier_changed": mark("Changed a supplier"),
    "supply.supplier_opened": mark("Opened a supplier again"),
    "supply.supplier_closed": mark("Closed a supplier"),
    "supply.supplier_item_set": mark("Said what a supplier sells"),
    "supply.supplier_price_added": mark("Added a supplier's price"),
    "supply.supplier_price_ended": mark("Ended a supplier's price"),
    "supply.supplier_page_opened": mark("Opened a supplier's own page"),
    "supply.supplier_page_shut": mark("Shut a supplier's own page"),
    "supply.supplier_paid": mark("Paid a supplier"),
    "supply.purchase_terms_set": mark("Set how the store buys"),
    "supply.purchase_order_drafted": mark("Drafted a purchase order"),
    "supply.purchase_order_changed": mark("Changed a purchase order"),
    "supply.purchase_order_approved": mark("Approved a purchase order"),
    "supply.purchase_order_sent": mark("Sent a purchase order"),
    "supply.purchase_order_cancelled": mark("Cancelled a purchase order"),
    "supply.purchase_order_closed": mark("Closed a purchase order"),
    "supply.purchase_orders_imported": mark("Imported purchase orders"),
    "supply.goods_received": mark("Received goods"),
    "supply.landed_cost_added": mark("Added freight or duty to a delivery"),
    "supply.goods_sent_back": mark("Sent goods back to a supplier"),
    "supply.bill_entered": mark("Entered a supplier's bill"),
    "supply.bill_decided": mark("Decided about a supplier's bill"),
    "supply.dropship_sent": mark("Gave an order to a supplier to send"),
    "supply.dropship_cancelled": mark("Took an order back from a supplier"),
    "supply.dropship_stated": mark("Settled what a supplier sent"),
    "webhooks.endpoint_added": mark("Added a webhook"),
    "webhooks.endpoint_changed": mark("Changed a webhook"),
    "webhooks.endpoint_removed": mark("Removed a webhook"),
    "webhooks.secret_rotated": mark("Made a new webhook secret"),
}
FACTS: dict[str, str] = {
    "address": mark("from address"),
    "after": mark("after"),
    "amount_minor": mark("amount"),
    "bad_rows": mark("bad rows"),
    "before": mark("before"),
    "by": mark("by"),
    "commission": mark("commission"),
    "coupon_id": mark("coupon"),
    "created": mark("new"),
    "currency": mark("currency"),
    "ended_sessions": mark("sessions ended"),
    "file": mark("file"),
    "for": mark("for"),
    "format": mark("format"),
    "free_shipping_from_minor": mark("free shipping from"),
    "hours": mark("hours"),
    "invitation": mark("invitation"),
    "kind": mark("kind"),
    "kinds": mark("events"),
    "name": mark("name"),
    "note": mark("note"),
    "number": mark("order number"),
    "package_id": mark("package"),
    "prices": mark("prices"),
    "products": mark("products"),
    "mapping": mark("mapping"),
    "order_ref": mark("order there"),
    "source": mark("source"),
    "reason": mark("reason"),
    "refund_id": mark("refund"),
    "resolution": mark("decision"),
    "role": mark("role"),
    "scopes": mark("permissions"),
    "shipping_fee_minor": mark("shipping fee"),
    "state": mark("state"),
    "video": mark("video"),
}
VALUES: dict[str, str] = {
    "sent_back": mark("Sent back"),
    "kept_for_claim": mark("Kept for its owner"),
    "matched": mark("Given to an order of its payer"),
    "kept": mark("Kept"),
    "removed": mark("Removed"),
}
MINOR_UNITS = mark("{n} minor units")
TASKS: dict[str, str] = {
    "live.replay": mark("Make a live room's replay"),
    "links.recheck": mark("Look at linked products again"),
    "links.sweep": mark("Hide and show links as rules change"),
    "content.process": mark("Turn an upload into a video"),
    "content.tidy": mark("Clear what uploads left behind"),
    "deadlines.act": mark("Act on deadlines"),
    "infra.drop_old_windows": mark("Forget old rate limits"),
    "infra.retry_stalled_jobs": mark("Start stalled jobs again"),
    "content.withdraw": mark("Take a video's files away"),
    "content.bring_back": mark("Put a video's files back"),
    "flows.import_feed": mark("Import a product feed"),
    "flows.fetch_feed_images": mark("Fetch the pictures of a feed"),
    "flows.fetch_outside_picture": mark("Fetch the picture of a product elsewhere"),
    "ledger.seal": mark("Seal the books"),
    "live.draws": mark("Draw what is due in live rooms"),
    "live.seal": mark("Seal the evidence of live rooms"),
    "live.shelves": mark("Keep the shelves of live rooms"),
    "flows.import_receipts": mark("Import payments of a partner"),
    "flows.reconcile": mark("Reconcile with a partner"),
    "standing.keep_scores": mark("Count the scores of stores"),
    "partners.count": mark("Count what agreements bring"),
    "payments.act_on_inbox": mark("Act on what gateways said"),
    "payments.sandbox_late_answers": mark("Late answers of the sandbox"),
    "payments.send_back": mark("Send unallocated money back"),
    "payments.send_refund": mark("Send a refund to the gateway"),
    "payments.send_refunds_again": mark("Send waiting refunds again"),
    "referrals.read_report": mark("Read a report of another platform"),
    "webhooks.deliver": mark("Call merchants' servers"),
    "webhooks.fan_out": mark("Hand events to webhooks"),
}
# The values of a rule's columns; "*" is any.
CELLS: dict[str, str] = {
    "*": mark("Any"),
    "own": mark("Own mini-stores"),
    "outside": mark("Any other platform"),
    "taobao": mark("Taobao"),
    "tmall": mark("Tmall"),
    "jd": mark("JD.com"),
    "video": mark("Short video"),
    "live": mark("Live room"),
    "profile": mark("Profile"),
    "search": mark("Search"),
    "direct": mark("Direct link"),
    "task": mark("Task"),
    "merchant": mark("Merchant"),
    "creator": mark("Creator"),
}


# What is wrong with a draft of a rule, by the reason of its refusal.
RULE_REASONS: dict[str, str] = {
    "0–100 %": mark("Give a rate from 0 to 100 %."),
    "0–10000": mark("Give a rate from 0 to 100 %."),
    "0–31536000": mark("At most a year, please."),
    "0–315360000": mark("At most ten years, please."),
    "0–1": mark("Choose allowed or denied."),
    "0, 1, 2, …": mark("Please give a whole number."),
    "YYYY-MM-DD HH:MM": mark("Please give a date and a time."),
    "before_start": mark("The end must be after the start."),
    "after_start": mark("A rule is announced before it starts."),
    "empty": mark("This is needed."),
    "unknown": mark("This is not one of the known values."),
}


def action_words(action: str) -> str:
    return gettext(ACTIONS.get(action, action))


def task_words(task: str) -> str:
    return gettext(TASKS.get(task, task))


def cell_words(value: str) -> str:
    return gettext(CELLS.get(value, value))


def told_facts(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, value) of an audit line's facts, amounts as money where their currency is said."""
    currency = str(facts.get("currency", ""))
    shown = []
    for name, value in facts.items():
        if (name == "currency" and "amount_minor" in facts) or value in (None, "", [], {}):
            continue
        shown.append((gettext(FACTS.get(name, name)), _told(name, value, currency)))
    return shown


def _told(name: str, value: Any, currency: str) -> str:
    if name.endswith("_minor") and isinstance(value, int) and currency:
        return money(value, currency)
    if name.endswith("_minor") and isinstance(value, int):
        return gettext(MINOR_UNITS).format(n=value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return gettext(VALUES[value]) if value in VALUES else str(value)
