"""The text of each refusal code, in English; Chinese stands in locale/zh/refusals.po."""

from collections.abc import Mapping
from typing import Any

from dougong.web.i18n import gettext, locale_of_request, mark

REFUSALS: dict[str, str] = {
    "bad_input": mark("Please check this field: {reason}"),
    "sign_in_needed": mark("Please sign in first."),
    "not_allowed": mark("You are not allowed to do this."),
    "not_found": mark("We could not find this."),
    "method_not_allowed": mark("This address does not take that method."),
    "conflict": mark("This was changed in the meantime. Please look again."),
    "too_big": mark("This is too big."),
    "unsupported_media_type": mark("This kind of content cannot be taken here."),
    "idempotency_key_reused": mark("This request key was already used for something else."),
    "channel_gone": mark("There is no such channel."),
    "channel_state_taken": mark("A later state of this channel is planned already."),
    "channel_state_in_past": mark("A state can start now at the earliest."),
    "too_many_requests": mark("Too many tries. Please wait {retry_after_s} seconds."),
    "not_migrated": mark("The platform is being updated. Please try again in a moment."),
    "unavailable": mark("We are busy for a moment. Please try again; nothing is done twice."),
    "not_enough_coins": mark("This costs {coins} coins; you hold {balance}."),
    "age_unknown": mark("Say your day of birth first: gifts are for adults."),
    "gift_limit": mark(
        "At your age at most {coins_per_day} coins a day can be given; you have given {given} "
        "today."
    ),
    "gift_code_taken": mark("There is a gift with this code already, or was."),
    "gift_gone": mark("This gift is not on offer any more."),
    "room_not_on_air": mark("This room is not on air, or it is your own."),
    "gift_reversed": mark("This gift has been taken back already."),
    "born_on_known": mark("Your day of birth is known already. Ask the operator to change it."),
    "no_coins_left": mark("No coin of this purchase is left."),
    "insurance_not_open": mark("This version cannot be approved any more."),
    "insurance_second_person": mark("Another person than its author approves it."),
    "no_insurance": mark("No freight insurance is offered now."),
    "no_standing_rule": mark("No rule about this is in force now."),
    "standing_rule_overlaps": mark("Another rule about the same is in force at that time."),
    "standing_rule_in_past": mark("A rule can start now at the earliest."),
    "standing_rule_not_open": mark("This rule is no draft any more."),
    "store_restrained": mark("A penalty keeps this store from it until {until}."),
    "appeal_too_late": mark("The time for an appeal was over on {until}."),
    "appealed_already": mark("There is an appeal against this penalty already."),
    "penalty_reversed": mark("This penalty was taken back already."),
    "other_person_needed": mark("Somebody else than you has to do this."),
    "sold_out": mark("Sold out: fewer are left than you want."),
    "bad_tracking_number": mark("The check digit of this tracking number is wrong."),
    "wrong_package_state": mark(
        "The package is in a state ({package_state}) in which this cannot be done."
    ),
    "nothing_to_pick": mark("No order waits to be picked."),
    "nothing_to_undo": mark("There is nothing to undo here any more."),
    "picked_already": mark("The wave needs no more of this."),
    "wave_closed": mark("This wave is over."),
    "not_combinable": mark("Only orders of one buyer and one address go into one package."),
    "packed_already": mark("Of line {line_no} only {left} are left to pack."),
    "wrong_waybill_state": mark(
        "The waybill is in a state ({waybill_state}) in which this cannot be done."
    ),
    "number_is_typed": mark("This carrier makes no waybills: type its number."),
    "hand_over_closed": mark("This list is closed already."),
    "carrier_unknown": mark("This store has no such carrier."),
    "no_rate": mark("The carrier has no rate for {province} now."),
    "rate_overlaps": mark("A later rate for the same way is there already."),
    "too_heavy": mark("Give a weight between 1 g and 1000 kg."),
    "package_known": mark("This order has a package of that carrier and number already."),
    "stock_below_reserved": mark("Open orders have reserved more than this."),
    "not_enough_there": mark("Fewer units are free there than this needs."),
    "quota_there": mark("This channel or room has units of it set aside already: end that first."),
    "quota_over": mark("These units were given back to all already."),
    "warehouse_closed": mark("This warehouse is closed."),
    "warehouse_in_use": mark("The default warehouse, or one with goods in it, cannot be closed."),
    "warehouse_code_taken": mark("Another warehouse has this code."),
    "count_closed": mark("This count is not open any more, or nothing was counted yet."),
    "another_must_approve": mark("A person who has not counted must approve this."),
    "another_must_decide": mark("A colleague must decide about this: you proposed it."),
    "correction_there": mark(
        "A correction of this SKU waits already: decide about that one first."
    ),
    "correction_closed": mark("Somebody has decided about this correction already."),
    "correction_stale": mark("Goods have come or gone since: propose the value again."),
    "value_unchanged": mark("That is what the stock is worth already."),
    "nothing_valued": mark("There is no unit here of which the cost is known."),
    "transfer_closed": mark("These goods have arrived already."),
    "nothing_left_to_ship": mark("This is more than is left to ship."),
    "empty_order": mark("There is nothing in this order."),
    "too_many_lines": mark("At most {most} lines with {most_units} pieces each."),
    "not_for_sale": mark("This is not for sale any more."),
    "stale_total": mark("The price has changed. Please look at the new total."),
    "coupon_refused": mark("This coupon cannot be used here ({why})."),
    "coupon_code_taken": mark("This store already has a coupon with this code."),
    "address_missing": mark("Please choose where to send it."),
    "wrong_order_state": mark(
        "The order is in a state ({order_state}) in which this cannot be done."
    ),
    "refund_too_much": mark("This is more than is left of the line."),
    "bad_signature": mark("The signature is not valid."),
    "not_matchable": mark(
        "This money cannot pay that order: it must be of the same payer, currency and exact "
        "total, and still be payable."
    ),
    "foreign_refund_over": mark(
        "The refund was decided about before, or has failed at its gateway."
    ),
    "refund_not_of_that_order": mark("The payment of this refund did not pay that order."),
    "bad_payment_file": mark("This file cannot be read ({why})."),
    "unknown_payment_mapping": mark("There is no such list of columns."),
    "unknown_source": mark("There is no such source."),
    "case_not_found": mark("There is no such difference."),
    "run_not_found": mark("There is no such reconciliation."),
    "bad_case_move": mark("The difference is in a state ({state}) in which this cannot be done."),
    "needs_second_person": mark("A second person has to approve this."),
    "note_missing": mark("Say why: whoever comes after you will read it."),
    "terms_at_this_instant": mark("Other tolerances start at this instant. Choose another."),
    "refund_not_failed": mark("This refund has been sent again already, or has no attempt left."),
    "nothing_to_pay": mark("No order here waits for its payment."),
    "gateway_unavailable": mark("The payment service does not answer. Please try again."),
    "live_ingest_away": mark("Live pictures cannot be taken at the moment. Please try again."),
    "stream_key_refused": mark("This stream key opens no room, or it was revoked."),
    "published_already": mark("Somebody is sending pictures into this room already."),
    "room_over": mark("This room has ended."),
    "media_refused": mark("The publisher offers nothing that we can take ({reason})."),
    "too_many_stream_keys": mark("A room has at most {most} stream keys: revoke one first."),
    "bad_email": mark("This is not an e-mail address."),
    "bad_name": mark("Please give a name of up to {most} characters."),
    "bad_handle": mark(
        "Use 2 to 40 letters a–z, digits, dots or dashes; start with a letter or digit."
    ),
    "handle_taken": mark("This name is taken already."),
    "email_taken": mark("There is an account with this e-mail. Please sign in."),
    "password_too_short": mark("Please use at least {least} characters."),
    "password_too_long": mark("Please use at most {most} characters."),
    "password_is_email": mark("The password must not be your e-mail."),
    "password_too_common": mark(
        "This password is among the first to be guessed. Please choose another."
    ),
    "wrong_password": mark("This is not your current password."),
    "wrong_sign_in": mark("E-mail and password do not fit."),
    "suspended": mark("This account is suspended. Please contact the operator."),
    "invitation_over": mark(
        "This invitation is used, withdrawn or too old. Please ask for a new one."
    ),
    "last_member": mark("Somebody has to act for it. Invite another person first."),
    "not_oneself": mark("You cannot suspend yourself."),
    "no_such_person": mark("Nobody has signed up with this e-mail."),
    "category_in_use": mark("Products or other categories are in it: move them first."),
    "too_many_kept": mark("There are {most} already. Please remove one first."),
    "scopes_not_held": mark("Choose at least one thing that the key may do."),
    "shop_not_trusted": mark(
        "This shop did what no shop may do ({reason}); nothing more was sent to it."
    ),
    "event_refused": mark("This event was not taken ({reason})."),
    "shop_refused": mark("The shop does not sell this now ({reason})."),
    "unsafe_url": mark("This address cannot be called: it must be public, http or https."),
    "wrong_video_state": mark("This cannot be done with the video as it is now."),
    "caption_too_long": mark("At most {most} characters, please."),
    "comment_refused": mark("Please write something, up to {most} characters."),
    "video_gone": mark("This video is not there any more."),
    "bad_report": mark("Please choose what is wrong, in up to 500 characters."),
    "room_gone": mark("There is no such live room."),
    "wrong_room_state": mark("This cannot be done with the room as it is now."),
    "on_air_already": mark("Another room of yours is on air. End that one first."),
    "too_many_rooms": mark("At most {most} announced rooms at a time."),
    "bad_room_title": mark("Please give the room a title of up to {most} characters."),
    "bad_room_time": mark("Please choose a time from now to {days} days ahead."),
    "message_refused": mark("Please write something, up to {most} characters."),
    "muted": mark("You cannot write in this room for now: a moderator has muted you."),
    "word_refused": mark("Your message holds a word that is not wanted in this room."),
    "chat_closed": mark("The chat of this room is closed."),
    "followers_only": mark("Only followers may write here. Follow the creator first."),
    "chat_too_fast": mark("Not so fast: please wait {retry_after_s} seconds."),
    "bad_room_setting": mark("Please check this setting of the room."),
    "upload_too_big": mark("The file must be a video of at most {most_mb} MB."),
    "too_many_uploads": mark("{most} uploads are unfinished. Finish or cancel one first."),
    "wrong_offset": mark("This part was sent already; go on at byte {offset}."),
    "bad_task": mark("A task cannot have these terms: {field}."),
    "source_barred": mark("Links to this source may not stand there, not even by task."),
    "agency_contract_closed": mark("This contract was answered before, or is over."),
    "agency_contract_overlaps": mark("Another agency has a share in part of that time."),
    "application_closed": mark("This application was decided before."),
    "applied_already": mark("This creator has applied already, or was asked."),
    "bad_agency_contract": mark("A contract cannot be like this: please look at the marked field."),
    "bad_brief": mark("A brief cannot be like this: please look at the marked field."),
    "bad_task_work": mark("This cannot be taken: please look at the marked field."),
    "brand_funds_short": mark("The brand has to pay in first. Please try again later."),
    "cancel_terms_moved": mark(
        "The task has come further meanwhile: please look again at what cancelling costs."
    ),
    "brief_closed": mark("This brief is not open any more."),
    "brief_gone": mark("There is no such brief."),
    "funds_short": mark("There is not enough in your funds: please pay in first."),
    "not_invited": mark("This brief is for creators whom the brand names, or with more followers."),
    "places_taken": mark("All places, or the whole budget, are taken."),
    "rated_already": mark("You have rated this task already."),
    "task_no_evidence": mark("Nothing that was shown is on record yet: nothing to deliver."),
    "task_not_begun": mark("The task has not begun yet."),
    "task_work_closed": mark("The task is at another step by now."),
    "task_closed": mark("This task is cancelled or done already."),
    "task_does_not_cover": mark("The task is about something else: {field}."),
    "task_fee_missing": mark("No rule says what the platform keeps of such a task."),
    "task_gone": mark("There is no such task."),
    "linked_already": mark("This product is on the video already."),
    "too_many_links": mark("At most {most} products on one video."),
    "not_linkable": mark("This product is not on sale and cannot be linked."),
    "link_denied": mark("The link rules do not let this product stand here: {reason}"),
    "link_gone": mark("This product link was removed."),
    "offer_refused": mark("This flash offer cannot be had: it is over, sold out, or you have it."),
    "offer_needs_store": mark("Only who sets the store's prices can open a flash offer."),
    "not_in_room": mark("Only who is in the room can have this."),
    "drop_gone": mark("There is no such coupon drop."),
    "drop_over": mark("All of these coupons are gone."),
    "draw_gone": mark("There is no such draw."),
    "draw_closed": mark("This draw is closed."),
    "source_taken": mark("Another source has this code."),
    "host_taken": mark("{host} belongs to the source {source} already."),
    "source_state_taken": mark("A state from then or later is planned already."),
    "source_state_in_past": mark("A source's state can only change in the future."),
    "source_not_open": mark("No links are made to this source now."),
    "no_address": mark("There is no link in what you pasted, nor a share code of ours."),
    "no_product_data": mark("The page says nothing of a product that we could read."),
    "link_unresolved": mark("This link leads to no product."),
    "unlisted_host": mark("Links that end at {host} cannot be put on videos here."),
    "bad_rule": mark("Please check this field: {reason}"),
    "bad_rule_file": mark("This is no file of rules ({reason})."),
    "rule_overlaps": mark(
        "Another approved rule for the same cases is in force then. Choose another time."
    ),
    "second_person_needed": mark("Who drafted a rule cannot approve it: ask a second person."),
    "rule_not_open": mark("This rule cannot be changed that way any more."),
    "rule_in_past": mark("A rule can only start or end in the future."),
    "bad_terms": mark("Please check this term: {reason}"),
    "not_your_turn": mark("It is the other side's turn."),
    "nothing_on_table": mark("There is no offer on the table that this could be done with."),
    "offer_on_table": mark("An offer is on the table already."),
    "offer_expired": mark("This offer has expired."),
    "nothing_changed": mark("This says the same as the offer: accept it instead."),
    "other_text": mark("This is not the text to be signed. Please read the page again."),
    "signed_already": mark("Your side has signed this text already."),
    "second_signer_needed": mark(
        "Who proposed or accepted this text cannot sign it: ask a second person."
    ),
    "round_closed": mark("This round is closed for that."),
    "entry_not_found": mark("We could not find this entry."),
    "reversed_already": mark("This entry is reversed already."),
    "store_code_taken": mark("Another store has this code."),
    "product_code_taken": mark("Another product of this store has this code."),
    "sku_code_taken": mark("Another variant of this store has this code."),
    "product_not_ready": mark("A product needs a variant with a price before it is shown."),
    "too_many_images": mark("At most {most} pictures."),
    "image_refused": mark("This picture cannot be taken ({why}). Use a JPEG, PNG or WebP."),
    "feed_refused": mark("This file cannot be read as a feed ({why})."),
    "bad_kinds": mark("Choose at least one kind of event from the list."),
    "not_replayable": mark("It still waits, or the endpoint is switched off."),
    "unknown_columns": mark("The first line of the file does not name the columns we know."),
    "bad_import_file": mark("This file cannot be read ({reason})."),
    "import_running": mark("An import into this store is running. Please wait for it."),
    "bad_report_file": mark("This file cannot be read as such a report ({why})."),
    "unknown_mapping": mark("There is no mapping of this name."),
    "precedence_taken": mark("Another row of this source has that rank or claim at that time."),
    "precedence_in_past": mark("A row of precedence can only start in the future."),
    "precedence_second_person": mark("Who drafted a row cannot approve it: ask a second person."),
    "report_read_elsewhere": mark("This report is being read already."),
    "not_disputable": mark("This claim is not of this order, or it has won already."),
    "other_currency": mark("The store sells in another currency than the file."),
    "bad_case": mark("Please check this field: {reason}"),
    "case_closed": mark("This case has gone on in the meantime. Please look again."),
    "case_gone": mark("There is no such case."),
    "case_not_extendable": mark(
        "There is nothing to extend, or it was asked for or declined already."
    ),
    "case_too_late": mark("The time for this is over, or the order was not paid."),
    "case_too_much": mark("This is more than is left of the item."),
    "abuse_formula_overlaps": mark("A later formula is planned already."),
    "abuse_formula_in_past": mark("A formula counts from now on at the earliest."),
    "case_rule_overlaps": mark(
        "A rule for the same cases is in force at that time. End it first, or choose another time."
    ),
    "case_rule_in_past": mark("A rule answers from now on at the earliest."),
    "case_rule_over": mark("This rule has ended already."),
    "case_rule_gone": mark("We could not find this rule."),
    "unit_in_case": mark("A case about these items is open already."),
    "units_in_case": mark("The buyer has asked for the money of these items: answer that first."),
    "wrong_purchase_state": mark("This has moved on meanwhile: it cannot be done any more."),
    "second_buyer_needed": mark("An order of this size is approved by somebody else than made it."),
    "supplier_code_taken": mark("Another supplier has this code."),
    "supplier_closed": mark("This supplier is closed. Open it again first."),
    "price_overlaps": mark(
        "Another price for this SKU and quantity is in force then. Choose another time."
    ),
    "over_delivery": mark(
        "More came than was ordered (line {line_no}: {most} may still come). Refuse the rest, "
        "or take it as a surplus."
    ),
    "expiry_missing": mark(
        "Give lot and expiry (line {line_no}): goods of this category are kept by them."
    ),
    "expires_too_soon": mark(
        "This lot expires too soon (line {line_no}): {days_left} days are left, {days_needed} are "
        "needed. Count it as damaged."
    ),
    "too_close_to_expiry": mark(
        "What lies there is too close to its expiry to be sold. Send it from another warehouse, or "
        "wait for fresh goods."
    ),
    "bill_known": mark("This supplier's bill of that number is entered already."),
    "bill_differs": mark(
        "This bill differs: somebody else than entered it approves it, with a reason."
    ),
    "supplier_payment_known": mark("A payment with this reference is entered already."),
    "nothing_to_send_back": mark("There are not that many units to send back."),
    "nothing_to_state": mark("Nothing that this supplier has sent waits for a statement."),
    "line_at_supplier": mark(
        "Line {line_no} is with its supplier: choose “Send it yourself” under “Dropship” first."
    ),
    "line_in_hand": mark(
        "It is in a wave or in a package here: it cannot go to a supplier as well."
    ),
    "not_for_supplier": mark("This order does not wait for the supplier any more."),
    "payout_not_found": mark("There is no such payout."),
    "payout_wrong_state": mark("This payout has moved on ({state}). Load the page anew."),
    "payout_run_wrong_state": mark("This run waits for nobody: it is being made, or was let go."),
    "payout_second_person": mark("Above the limit somebody else approves than who checked it."),
    "payout_no_account": mark("The payee has no account that can be paid to yet."),
    "payout_nothing_owed": mark("Nothing of it is owed any more, or it was tried again before."),
    "payout_no_terms": mark("Nothing says how payees are paid. Set payout terms first."),
    "payout_terms_at_this_instant": mark("Other terms start at the same time. Choose another."),
    "payout_account_closed": mark("This account was verified, refused or replaced before."),
    "payout_own_account": mark("Somebody else verifies an account than who entered it."),
    "payout_bank_ref_taken": mark("The bank has named another payout so before."),
    "payout_nothing_to_send": mark("No payout waits for the bank."),
    "payout_bank_is_called": mark("The platform calls this bank itself; it takes no lists."),
    "bad_payout_answers": mark("This file cannot be read as answers of a bank ({why})."),
    "no_rules_then": mark("No rules were in force on the dates of these orders ({reason})."),
}

# What is wrong with a field of a case, by the reason of a `bad_case`.
CASE_FIELDS: dict[str, str] = {
    "empty": mark("Something is missing here: please fill it in, or choose at least one item."),
    "missing": mark("Something is missing here: please fill it in."),
    "too_long": mark("This is too long."),
    "too_short": mark("This is too short."),
    "too_many": mark("This case has as many as it can take."),
    "out_of_range": mark("The amount has to be above zero and at most what is asked for."),
    "one_line_only": mark(
        "A part of the amount can be asked of one item only, without the shipping fee."
    ),
    "freight_stays": mark(
        "The shipping fee comes back for a reason that is not yours only, such as damaged goods."
    ),
    "only_freight": mark("The shipping fee is asked back with goods only."),
    "nobody": mark("There is no creator, or no funder of a coupon, of these goods to bear it."),
    "not_cheaper": mark("It has not become cheaper since."),
    "nothing_to_return": mark("Nothing can be sent back in this case: choose another ruling."),
    "damaged": mark("This file cannot be read. Please choose another."),
    "unknown_container": mark("This is no picture, film or PDF that we can take."),
    "too_big": mark("This file is too big: 20 MB at most."),
}
ORDER_STATES: dict[str, str] = {
    "placed": mark("To pay"),
    "paid": mark("To ship"),
    "part_shipped": mark("Partly shipped"),
    "shipped": mark("On its way"),
    "received": mark("Received"),
    "final": mark("Completed"),
    "cancelled": mark("Cancelled"),
    "refunded": mark("Refunded"),
}


def refusal_words(code: str, facts: Mapping[str, Any], *, unknown: str) -> str:
    """The text for people, states in their language; facts that it does not name are left out."""
    state = str(facts.get("order_state", ""))
    words = gettext(REFUSALS.get(state) or REFUSALS.get(code, unknown))
    if code == "bad_case" and facts.get("reason") in CASE_FIELDS:
        words = gettext(CASE_FIELDS[facts["reason"]])
    told = dict(facts)
    if state in ORDER_STATES:
        told["order_state"] = gettext(ORDER_STATES[state])
    if "reason_zh" in facts:  # a rule's own words
        told["reason"] = facts[f"reason_{locale_of_request.get()}"]
    try:
        return words.format(**told)
    except (KeyError, IndexError):
        return words
