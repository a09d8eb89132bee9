"""The index of a big book gives what going through all its rows gives."""

import random

from bench.policy import a_big_book, some_cases

from dougong.policy.queries import RuleBook
from dougong.policy.rules import Lost, decide


def test_a_book_of_ten_thousand_rows_decides_as_the_plain_evaluator() -> None:
    chance = random.Random(7)  # the same book each time
    rules = a_big_book(chance)
    book = RuleBook(rules)
    won = beaten = 0
    for case in some_cases(chance, count=40):
        plain = decide(rules, case)
        assert book.decide(case).rule == plain.rule
        won += plain.rule is not None
        beaten += sum(lost.why is Lost.LESS_SPECIFIC for lost in plain.considered)
    assert won > 30  # it is a book in which rows compete
    assert beaten > 80
