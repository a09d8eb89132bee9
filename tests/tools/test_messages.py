"""What has no Chinese is found, wherever it stands."""

import pytest

import messages

PO = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
PAGE = "src/dougong/web/templates/a.html"
CODE = "src/dougong/web/a.py"
ZH = "src/dougong/web/locale/zh/a.po"


def ids(path: str, text: str) -> list[str]:
    return [message.id for message in messages.messages([(path, text)])]


def test_messages_of_templates_and_code_are_found() -> None:
    assert ids(PAGE, "{% trans %}Cart{% endtrans %}<b title=\"{{ _('Pay') }}\">") == ["Cart", "Pay"]
    assert ids(PAGE, "{% trans n=3 %}{{ n }} like{% pluralize %}{{ n }} likes{% endtrans %}") == [
        "%(n)s like"
    ]
    assert ids(CODE, "REFUSALS = {'a': mark('Sold out.')}") == ["Sold out."]
    assert ids("src/dougong/orders/rules.py", "mark('elsewhere')") == []


def test_message_id_keeps_the_whitespace_that_the_page_looks_up() -> None:
    assert ids(PAGE, "{% trans %}\n  two\n  lines\n{% endtrans %}") == ["  two\n  lines\n"]


def test_translated_messages_are_not_missing() -> None:
    files = [(PAGE, "{{ _('Cart') }}{{ _('Pay') }}"), (ZH, PO + 'msgid "Cart"\nmsgstr "购物车"\n')]
    assert [m.id for m in messages.missing(files, messages.chinese(files))] == ["Pay"]


def test_empty_translation_is_missing() -> None:
    files = [(PAGE, "{{ _('Cart') }}"), (ZH, PO + 'msgid "Cart"\nmsgstr ""\n')]
    assert [m.id for m in messages.missing(files, messages.chinese(files))] == ["Cart"]


def test_two_translations_of_one_message_are_refused() -> None:
    files = [
        (ZH, PO + 'msgid "Cart"\nmsgstr "购物车"\n'),
        (ZH.replace("a.po", "b.po"), PO + 'msgid "Cart"\nmsgstr "推车"\n'),
    ]
    with pytest.raises(ValueError, match="Cart"):
        messages.chinese(files)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("<p>{% trans %}Cart{% endtrans %}</p>", []),
        ("<p>{{ _('Cart') }} · 3</p><script>let cart = 1</script>", []),
        ("<p>Dougong</p>", []),
        ("<p>Your cart</p>", ["Your cart"]),
        ("<p>购物车</p>", ["购物车"]),
        ('<input placeholder="Search">', ["Search"]),
        ("<input placeholder=\"{{ _('Search') }}\">", []),
    ],
)
def test_words_outside_the_catalogue_are_found(text: str, bare: list[str]) -> None:
    assert [said for _, _, said in messages.untranslated_text([(PAGE, text)])] == bare
