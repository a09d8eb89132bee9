"""Who may do what: six roles, one list of permissions, and the value that carries both."""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import NotFound, SignInNeeded
from dougong.base.ids import PersonId


class Role(StrEnum):
    SHOPPER = "shopper"
    CREATOR = "creator"
    MERCHANT = "merchant"
    ADVERTISER = "advertiser"
    PARTNER = "partner"
    OPERATOR = "operator"


class Permission(StrEnum):
    """`scope:resource:action`. `own` is the person, `org` the grant's organisation or a store of
    it, `platform` the operator."""

    PUBLIC = "public:page:read"  # anybody, signed in or not
    SELF_READ = "own:account:read"
    SELF_WRITE = "own:account:write"
    KEYS_MANAGE = "own:api_key:manage"
    CONTENT_REACT = "own:reaction:write"  # like, comment, follow, hide, report
    CART_USE = "own:cart:use"
    ORDER_PLACE = "own:order:place"
    ORDER_READ_OWN = "own:order:read"
    PAYMENT_START = "own:payment:start"
    LIVE_TAKE_PART = "own:live:take_part"  # chat, like, be reminded, draw, moderate where named
    COINS_BUY = "own:coins:buy"
    GIFT_SEND = "own:gift:send"
    CASE_OPEN = "own:case:open"  # ask for after-sales, answer, appeal, on one's own orders

    MEMBERS_MANAGE = "org:member:manage"
    PAYOUT_ACCOUNT = "org:payout_account:manage"  # say where payouts go

    VIDEO_MANAGE = "org:video:manage"
    LINK_MANAGE = "org:link:manage"
    EARNINGS_READ = "org:earnings:read"
    LIVE_MANAGE = "org:live:manage"
    TASK_TAKE = "org:task:take"  # apply, agree, deliver

    STORE_READ = "org:store:read"
    STORE_MANAGE = "org:store:manage"
    CATALOG_MANAGE = "org:catalog:manage"
    COUPON_MANAGE = "org:coupon:manage"
    ORDER_READ_STORE = "org:order:read"
    ORDER_SHIP = "org:order:ship"
    ORDER_REFUND = "org:order:refund"
    STOCK_MANAGE = "org:stock:manage"  # warehouses, levels, counts, transfers
    PURCHASE_MANAGE = "org:purchase:manage"  # suppliers, purchase orders, bills
    FULFILMENT_WORK = "org:fulfilment:work"  # pick, pack, label, hand over, receive, count
    CASE_MANAGE = "org:case:manage"  # answer after-sales cases
    CASE_RULE_WRITE = "org:case_rule:write"  # rows that answer after-sales cases by themselves
    STANDING_READ = "org:standing:read"  # score, deposit, penalties; appeal
    MONEY_READ = "org:money:read"
    WEBHOOK_MANAGE = "org:webhook:manage"

    CAMPAIGN_READ = "org:campaign:read"
    TASK_POST = "org:task:post"  # post, agree, accept, dispute
    FUNDS_MANAGE = "org:funds:manage"  # pay in, see what is held
    AGREEMENT_READ = "org:agreement:read"
    AGREEMENT_NEGOTIATE = "org:agreement:negotiate"  # offer, accept, decline, comment, dispute
    AGREEMENT_SIGN = "org:agreement:sign"  # sign a text, give notice

    PLATFORM_READ = "platform:report:read"
    RULE_READ = "platform:rule:read"
    RULE_WRITE = "platform:rule:write"
    LEDGER_READ = "platform:ledger:read"
    PARTNER_READ = "platform:partner:read"
    PARTNER_NEGOTIATE = "platform:partner:negotiate"
    PARTNER_SIGN = "platform:partner:sign"
    PLATFORM_COUPON_MANAGE = "platform:coupon:manage"
    SOURCE_MANAGE = "platform:source:manage"  # third-party platforms that links may end at
    CATEGORY_MANAGE = "platform:category:manage"
    ACCESS_MANAGE = "platform:access:manage"  # suspend people, open organisations for them
    MODERATION = "platform:content:moderate"
    AUDIT_READ = "platform:audit:read"
    JOBS_READ = "platform:job:read"
    REFUND_RETRY = "platform:refund:retry"
    UNALLOCATED_RESOLVE = "platform:unallocated:resolve"
    SHARE_CHANNEL_MANAGE = "platform:share_channel:manage"
    RECONCILE_READ = "platform:reconciliation:read"
    RECONCILE_WRITE = "platform:reconciliation:write"
    REFERRAL_READ = "platform:referral:read"
    REFERRAL_MANAGE = "platform:referral:manage"  # take in reports, rule anew, precedence
    LIVE_READ = "platform:live:read"  # the wall of rooms
    LIVE_CUT = "platform:live:cut"  # end a room, take away a message, a key
    TASK_READ = "platform:task:read"
    TASK_RULE = "platform:task:rule"  # rule a dispute
    GIFT_MANAGE = "platform:gift:manage"  # coin packs, gifts, limits, fraud
    CASE_RULE = "platform:case:rule"  # arbitrate
    PAYOUT_READ = "platform:payout:read"
    PAYOUT_MANAGE = "platform:payout:manage"  # run, approve, hold, retry, verify accounts
    MERCHANT_GOVERN = "platform:merchant:govern"  # deposits, scores, penalties
    CLOCK_SET = "platform:clock:set"


_EVERYONE = frozenset(p for p in Permission if p.startswith(("public:", "own:")))
_OPERATOR = frozenset(p for p in Permission if p.startswith("platform:"))

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.SHOPPER: frozenset(),
    Role.CREATOR: frozenset(
        {
            Permission.MEMBERS_MANAGE,
            Permission.VIDEO_MANAGE,
            Permission.LINK_MANAGE,
            Permission.EARNINGS_READ,
            Permission.PAYOUT_ACCOUNT,
            Permission.LIVE_MANAGE,
            Permission.TASK_TAKE,
        }
    ),
    Role.MERCHANT: frozenset(
        {
            Permission.MEMBERS_MANAGE,
            Permission.STORE_READ,
            Permission.STORE_MANAGE,
            Permission.CATALOG_MANAGE,
            Permission.COUPON_MANAGE,
            Permission.ORDER_READ_STORE,
            Permission.ORDER_SHIP,
            Permission.ORDER_REFUND,
            Permission.STOCK_MANAGE,
            Permission.PURCHASE_MANAGE,
            Permission.FULFILMENT_WORK,
            Permission.CASE_MANAGE,
            Permission.CASE_RULE_WRITE,
            Permission.STANDING_READ,
            Permission.MONEY_READ,
            Permission.PAYOUT_ACCOUNT,
            Permission.WEBHOOK_MANAGE,
        }
    ),
    Role.ADVERTISER: frozenset(
        {
            Permission.MEMBERS_MANAGE,
            Permission.CAMPAIGN_READ,
            Permission.TASK_POST,
            Permission.FUNDS_MANAGE,
        }
    ),
    Role.PARTNER: frozenset(
        {
            Permission.MEMBERS_MANAGE,
            Permission.AGREEMENT_READ,
            Permission.AGREEMENT_NEGOTIATE,
            Permission.AGREEMENT_SIGN,
        }
    ),
    Role.OPERATOR: _OPERATOR | {Permission.MEMBERS_MANAGE},
}


class Grant(msgspec.Struct, frozen=True):
    role: Role
    org_id: UUID


class Access(msgspec.Struct, frozen=True):
    """One request's subject: who it is, and on whose behalf it may act.

    `scopes` narrows an API key to some permissions; None means all that the grants give.
    `store_orgs` maps each store of the person's organisations to its organisation.
    """

    person_id: PersonId
    name: str
    locale: str
    grants: tuple[Grant, ...]
    store_orgs: Mapping[UUID, UUID]
    scopes: frozenset[Permission] | None

    def roles(self) -> frozenset[Role]:
        return frozenset(grant.role for grant in self.grants)

    def may(self, permission: Permission, owner_id: UUID | None = None) -> bool:
        """Whether `permission` holds on `owner_id`: an organisation, a store, or the person.

        Everyone has the `own:` permissions on themselves; `platform:` ones need no owner.
        """
        if self.scopes is not None and permission not in self.scopes:
            return False
        if permission in _EVERYONE:
            return owner_id in (None, self.person_id)
        org_id = self.store_orgs.get(owner_id, owner_id) if owner_id else None
        return any(
            permission in ROLE_PERMISSIONS[grant.role]
            and (permission in _OPERATOR or grant.org_id == org_id)
            for grant in self.grants
        )

    def orgs_with(self, permission: Permission) -> list[UUID]:
        """The organisations on which this subject holds `permission`."""
        return [g.org_id for g in self.grants if self.may(permission, g.org_id)]


def require(access: Access | None, permission: Permission, owner_id: UUID | None) -> Access:
    """The subject, when it may. Raises SignInNeeded (401), or NotFound (404): what one may not
    touch looks like what does not exist."""
    if access is None:
        raise SignInNeeded
    if not access.may(permission, owner_id):
        raise NotFound
    return access
