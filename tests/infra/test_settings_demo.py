"""Demo mode lets anybody enter: it starts with nothing of production near it."""

import pytest

from dougong.infra.settings import BadSetting, load

LOCAL_DATABASE = "postgresql://app@127.0.0.1/demo"


@pytest.mark.parametrize(
    "change",
    [
        {"PUBLIC_URL": "https://shop.example"},
        {"PUBLIC_URL": "http://127.0.0.1.shop.example"},
        {"PUBLIC_URL": "http://shop.example/?x=//127.0.0.1"},
        {"PUBLIC_URL": "http://localhost@shop.example"},
        {"PUBLIC_URL": "http://192.168.1.7:8000"},
        {"PUBLIC_URL": ""},
        {"DATABASE_URL": "postgresql://app@db.shop.example/shop"},
        {"DATABASE_URL": "postgresql://app@127.0.0.1,db.shop.example/shop"},
        {"DATABASE_URL": "postgresql:///shop?host=db.shop.example"},
        {"DATABASE_URL": LOCAL_DATABASE, "DATABASE_OWNER_URL": "postgresql://o@10.0.0.7/shop"},
        {"GATEWAY": "stripe", "STRIPE_API_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"},
    ],
)
def test_demo_mode_refuses_what_production_has(change: dict[str, str]) -> None:
    environ = {f"DOUGONG_{name}": value for name, value in ({"MODE": "demo"} | change).items()}
    with pytest.raises(BadSetting):
        load(environ)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"PUBLIC_URL": "http://localhost:8137"},
        {"DATABASE_URL": LOCAL_DATABASE},
        {"DATABASE_URL": "postgresql:///demo?host=/run/postgresql"},
        {"DATABASE_URL": "postgresql://[::1]:5432/demo"},
    ],
)
def test_demo_mode_runs_on_this_machine(change: dict[str, str]) -> None:
    environ = {f"DOUGONG_{name}": value for name, value in ({"MODE": "demo"} | change).items()}
    assert load(environ).mode == "demo"


def test_production_is_the_default_and_takes_no_test_doubles() -> None:
    assert load({}).mode == "production"
    with pytest.raises(BadSetting):
        load({"DOUGONG_ALLOW_LOOPBACK": "true"})
