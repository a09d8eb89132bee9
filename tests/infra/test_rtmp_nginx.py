"""What nginx is told: one text for the command, the documentation and the tests."""

from pathlib import Path

import pytest

from dougong.infra.rtmp_nginx import nginx_config
from dougong.infra.settings import BadSetting, Settings

PAGE = Path(__file__).parents[2] / "docs/how-to/media-server.md"
SECRET, PULL = "a-long-secret", "rtmp://127.0.0.1:1935/live/{room_id}"
HERE = "http://127.0.0.1:8000"


def chosen(*, secret: str = SECRET, url: str = PULL) -> str:
    made = Settings(rtmp_hook_secret=secret, rtmp_pull_url=url)
    return nginx_config(chosen=made, site=HERE, reader="127.0.0.1")


def test_the_documentation_shows_what_the_command_prints() -> None:
    assert f"```nginx\n{chosen()}```" in PAGE.read_text()


def test_port_and_application_are_those_of_the_address_that_is_read() -> None:
    said = chosen(url="rtmp://10.0.0.5/rooms/{room_id}")
    assert "listen 1935;" in said
    assert "application rooms {" in said
    assert "listen 1936;" in chosen(url="rtmp://10.0.0.5:1936/rooms/{room_id}")


def test_a_secret_cannot_end_a_line_of_the_configuration() -> None:
    assert "?secret=a%3B%20b%22%7D;" in chosen(secret='a; b"}')


@pytest.mark.parametrize(
    ("secret", "url"), [("", ""), ("s", "https://media.example/{room_id}.m3u8")]
)
def test_without_an_rtmp_address_there_is_nothing_to_print(secret: str, url: str) -> None:
    with pytest.raises(BadSetting):
        chosen(secret=secret, url=url)
