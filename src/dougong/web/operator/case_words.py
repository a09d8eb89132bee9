"""Words of after-sales cases on the operator's screens."""

from dougong.web.i18n import mark

# Terms of the rule book that say how long each side of a case has.
CASE_TERMS = {
    "case_answer_s": mark("Case: the merchant answers within"),
    "case_offer_s": mark("Case: a part that is offered is taken after"),
    "case_escalate_s": mark("Case: the buyer turns to the platform within"),
    "case_ship_back_s": mark("Case: the buyer ships back within"),
    "case_receive_back_s": mark("Case: a parcel back counts as received after"),
    "case_inspect_s": mark("Case: the merchant inspects within"),
    "case_resend_s": mark("Case: the merchant sends again within"),
    "case_confirm_s": mark("Case: what was sent again counts as received after"),
    "case_rule_s": mark("Case: the platform rules within"),
    "case_appeal_s": mark("Case: a ruling can be appealed for"),
    "case_late_s": mark("Case: can be opened after the order is final for"),
    "price_protected_s": mark("Price protection after payment for"),
}
