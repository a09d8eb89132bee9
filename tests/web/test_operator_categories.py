"""The operator's category tree: what is added, renamed and taken away, and what may not be."""

from tests.catalog.factories import a_product, a_store
from tests.web.accounts import a_client, a_person, a_role, a_session, send

from dougong.base.access import Role
from dougong.base.ids import new_id
from dougong.catalog.queries import category_tree
from dougong.infra.db import transaction

LIST = "/operator/categories"


async def an_operator() -> str:
    person = await a_person(name="Op")
    await a_role(person, Role.OPERATOR)
    return await a_session(person)


async def tree() -> dict[str, tuple[str, str, int]]:
    async with transaction() as conn:
        return {
            row.path: (row.name_zh, row.name_en, row.position) for row in await category_tree(conn)
        }


async def test_a_category_is_added_below_another_renamed_and_removed() -> None:
    top = f"t{new_id().hex[:10]}"
    names = {"name_zh": "茶叶", "name_en": "Tea"}
    async with a_client(await an_operator()) as client:
        assert (await send(client, LIST, path=top, **names)).status_code == 303
        assert (await send(client, LIST, path="green", parent=top, **names)).status_code == 303
        taken = await send(client, LIST, path="green", parent=top, **names)
        assert taken.status_code == 400
        assert 'id="error-path"' in taken.text
        child = f"{top}/green"
        new = {"name_zh": "绿茶", "name_en": "Green tea", "position": 3}
        assert (await send(client, f"{LIST}/change", path=child, **new)).status_code == 303
        assert (await tree())[child] == ("绿茶", "Green tea", 3)
        full = await send(client, f"{LIST}/remove", path=top)
        assert full.status_code == 409
        assert "move them first" in full.text
        for path in (child, top):
            assert (await send(client, f"{LIST}/remove", path=path)).status_code == 303
    assert not {path for path in await tree() if path.startswith(top)}


async def test_what_does_not_fit_is_refused_at_its_field() -> None:
    good = {"path": f"t{new_id().hex[:10]}", "name_zh": "茶叶", "name_en": "Tea"}
    before = await tree()
    async with a_client(await an_operator()) as client:
        for wrong, field in [
            ({"path": "a b"}, "path"),
            ({"path": "a/b"}, "path"),
            ({"path": ""}, "path"),
            ({"parent": "nowhere"}, "path"),
            ({"name_zh": " "}, "name_zh"),
            ({"name_en": ""}, "name_en"),
            ({"position": -1}, "position"),
        ]:
            answer = await send(client, LIST, **(good | wrong))
            assert answer.status_code == 400, wrong
            assert f'id="error-{field}"' in answer.text, wrong
        gone = await send(client, f"{LIST}/change", **good)
        assert gone.status_code == 400
    assert await tree() == before


async def test_a_category_with_products_and_the_needed_one_stay() -> None:
    async with transaction() as conn:
        store_id = await a_store(conn)
        await a_product(conn, store_id=store_id)
    async with a_client(await an_operator()) as client:
        for path in ("food/tea", "other"):
            assert (await send(client, f"{LIST}/remove", path=path)).status_code == 409
        assert (await send(client, f"{LIST}/remove", path="nowhere")).status_code == 404
