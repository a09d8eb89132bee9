"""What a bank can do for us. Adapters are called in jobs, after the commit."""

from typing import Protocol

import msgspec

from dougong.settlement.payout_rules import BankAccount, BankAnswer


class PaymentOrder(msgspec.Struct, frozen=True):
    """One payment to one payee. `text`: what stands on its bank statement."""

    account: BankAccount
    amount_minor: int
    currency: str
    text: str


class BankAway(Exception):
    """Nobody answered, or nothing that can be read: whether it was paid is not known. The same
    request with the same key may be sent again."""


class Bank(Protocol):
    """`key`: the payout's id. The same order with the same key is carried out once, and the answer
    says how far it is. Raises BankAway."""

    async def pay(self, order: PaymentOrder, *, key: str) -> BankAnswer: ...
