"""The precedence that a platform starts with: one row a kind of claim, every one replaceable.

In force from the first day of 2018 in Shanghai, as the default rules of fees are.
"""

from datetime import UTC, datetime
from uuid import UUID

from dougong.base.ids import derived_id
from dougong.referrals.rules import ANY, ClaimKind, ClaimRule

FIRST_DAY = datetime(2017, 12, 31, 16, tzinfo=UTC)
_DEFAULTS = UUID("00000000-0000-7000-8000-0000000000d4")

# claim, days, why (zh), why (en); in the order in which they win
_ROWS: tuple[tuple[ClaimKind, int, str, str], ...] = (
    (ClaimKind.TASK, 15, "任务约定的链接优先", "What a task agreed on goes first"),
    (ClaimKind.CLICK, 15, "最后一次有效点击", "The last valid click"),
    (ClaimKind.SHARE_CODE, 30, "没有点击时看分享口令", "Without a click, the share code"),
    (ClaimKind.AD, 7, "平台自己的广告带来的", "Brought by the platform's own ad"),
    (ClaimKind.SOURCE, 30, "最后才看来源方的说法", "What the source itself says comes last"),
)


def default_claim_rules() -> list[ClaimRule]:
    """The same rows with the same ids, on every platform."""
    return [
        ClaimRule(
            id=derived_id(_DEFAULTS, claim.value),
            source=ANY,
            claim=claim,
            starts=FIRST_DAY,
            ends=None,
            rank=place * 10,  # room for rows in between
            window_days=days,
            reason_zh=reason_zh,
            reason_en=reason_en,
        )
        for place, (claim, days, reason_zh, reason_en) in enumerate(_ROWS, start=1)
    ]
