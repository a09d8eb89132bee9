"""Settings: one TOML file, overridden by the environment (`DOUGONG_…`). Reference: docs."""

import os
import secrets
import tomllib
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

import msgspec

PREFIX = "DOUGONG_"
SERVING = "serving.url"
# Variables that are not settings of the platform; those of the long harness runs neither.
OF_TOOLS = {"config", "fonts_dir", "test_database_url"}


class BadSetting(ValueError):
    """A setting with an unknown name or a value that does not fit; the server does not start."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, by its name in the TOML file; the variable is DOUGONG_ and the upper case."""

    # Where the embedded database, uploads, media and secrets of this data set live.
    data_dir: Path = Path("var")
    # "demo" has the page "enter as…" and a business clock that can be set; "test" too.
    mode: Literal["demo", "production", "test"] = "production"
    # postgresql://… of the app's role; empty: the embedded server.
    database_url: str = ""
    # postgresql://… of the role that owns the tables (migrations); empty: database_url.
    database_owner_url: str = ""
    # Connections of one web worker.
    pool_size: int = 8
    # Where the site is reached from outside: links in messages, gateway return addresses.
    public_url: str = "http://127.0.0.1:8000"
    # How many proxies stand before us and add to X-Forwarded-For: rate limits by address.
    trusted_proxies: int = 0
    # Signs cookies and sandbox webhooks; empty: made once and kept in data_dir.
    secret_key: str = ""
    # The operator's zone: days and months in reports.
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"
    # Where somebody buys from who has given no address: a country's two letters.
    home_market: str = "CN"
    locale: Literal["zh", "en"] = "zh"
    gateway: Literal["sandbox", "stripe"] = "sandbox"
    stripe_api_key: str = ""
    stripe_webhook_secret: str = ""
    # Only for a gateway double on this machine, in demo and test mode.
    stripe_api_base: str = ""
    # Where the sandbox carrier answers (`dougong carrier-sandbox`), in demo and test mode.
    carrier_sandbox_url: str = ""
    # How payees are paid: by lists for a bank, or by the sandbox bank.
    payout_bank: Literal["file", "sandbox"] = "file"
    # Where the sandbox bank answers (`dougong bank-sandbox`), in demo and test mode.
    bank_sandbox_url: str = ""
    # Webhooks to merchants may go to loopback (test mode only).
    allow_loopback: bool = False
    upload_max_bytes: int = 500_000_000
    upload_max_seconds: int = 180
    # Who sends it as a bearer token may read /metrics; empty: only this machine may.
    metrics_token: str = ""
    # Where live media arrives: addresses of this machine, separated by commas, empty for all of
    # them; behind a router `public=local`, as in `203.0.113.7=10.0.0.5`.
    live_ice_addresses: str = ""
    # First and last UDP port for live media (`50000-50099`), empty for any.
    live_udp_ports: str = ""
    # The picture of a live room: its longer side, frames a second, the most bits, x264's preset.
    live_longest_px: int = 1280
    live_fps: int = 25
    live_bitrate_kbps: int = 2_500
    live_preset: Literal["ultrafast", "superfast", "veryfast", "faster", "medium"] = "superfast"
    # Without a picture for so long a room is paused; so long it may be, then it is ended.
    live_stall_s: int = 5
    live_return_s: int = 30
    # The secret in the hooks of an RTMP server, and where a room's stream is read from it, with
    # {room_id} in it; empty: no RTMP.
    rtmp_hook_secret: str = ""
    rtmp_pull_url: str = ""
    # A file with a JWK set of private EC keys (`dougong ucp make-key`): the first one signs what we
    # ask of UCP shops, all are published without their secret; empty: requests are not signed.
    ucp_signing_keys: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def check(self) -> Self:
        """Raises BadSetting when two settings contradict each other."""
        if self.mode == "production" and (self.stripe_api_base or self.allow_loopback):
            raise BadSetting("stripe_api_base and allow_loopback need mode demo or test")
        if self.mode == "production" and self.carrier_sandbox_url:
            raise BadSetting("carrier_sandbox_url needs mode demo or test")
        if self.mode == "production" and (self.bank_sandbox_url or self.payout_bank == "sandbox"):
            raise BadSetting("the sandbox bank needs mode demo or test")
        if self.payout_bank == "sandbox" and not self.bank_sandbox_url:
            raise BadSetting("payout_bank sandbox needs bank_sandbox_url")
        if self.mode == "demo":
            self._check_demo()
        self._check_live()
        if self.gateway == "stripe" and not (self.stripe_api_key and self.stripe_webhook_secret):
            raise BadSetting("gateway stripe needs stripe_api_key and stripe_webhook_secret")
        return self

    def _check_demo(self) -> None:
        """Demo mode lets anybody enter as anybody: nothing of production may be near it."""
        if not _is_local(self.public_url):
            raise BadSetting("mode demo lets anybody enter: it cannot serve a public address")
        for url in (self.database_url, self.database_owner_url):
            if url and not _is_local(url):
                raise BadSetting("mode demo lets anybody enter: its database must be on localhost")
        if "_live_" in self.stripe_api_key:
            raise BadSetting("mode demo takes no live gateway key")

    def _check_live(self) -> None:
        self.ice_addresses()
        self.ice_ports()
        if min(self.live_stall_s, self.live_return_s) < 1 or not 1 <= self.live_fps <= 60:
            raise BadSetting("live_stall_s and live_return_s are at least 1, live_fps 1 to 60")
        if not 320 <= self.live_longest_px <= 1920 or self.live_bitrate_kbps < 100:
            raise BadSetting("live_longest_px is 320 to 1920, live_bitrate_kbps at least 100")
        if self.rtmp_pull_url and (
            "{room_id}" not in self.rtmp_pull_url or not self.rtmp_hook_secret
        ):
            raise BadSetting("rtmp_pull_url needs {room_id} in it, and rtmp_hook_secret")

    def ice_addresses(self) -> tuple[list[str], dict[str, str]]:
        """Addresses to listen on, and what publishers are told instead, by local address."""
        bound: list[str] = []
        announced: dict[str, str] = {}
        for one in filter(None, self.live_ice_addresses.replace(" ", "").split(",")):
            public, _, local = one.partition("=")
            try:
                bound.append(str(ip_address(local or public)))
                if local:
                    announced[bound[-1]] = str(ip_address(public))
            except ValueError as error:
                raise BadSetting(f"live_ice_addresses: {one} is no address") from error
        return bound, announced

    def ice_ports(self) -> tuple[int, int]:
        """The first and the last UDP port for live media; (0, 0) for any."""
        if not self.live_udp_ports:
            return 0, 0
        first, _, last = self.live_udp_ports.partition("-")
        if not (
            first.isdecimal() and last.isdecimal() and 1024 <= int(first) <= int(last) < 65_536
        ):
            raise BadSetting("live_udp_ports is as in 50000-50099")
        return int(first), int(last)

    def secret(self) -> bytes:
        """The signing key of this data set, made on first use."""
        if self.secret_key:
            return self.secret_key.encode()
        path = self.data_dir / "secret_key"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(secrets.token_hex(32))
            draft.chmod(0o600)
            with suppress(FileExistsError):
                os.link(draft, path)  # the first of several processes wins, whole
            draft.unlink()
        return path.read_text().encode()


def _is_local(url: str) -> bool:
    """Whether every host of an address (of a page or a database) is this machine."""
    try:
        read = urlsplit(url)
        named = [one.split("@")[-1] for one in read.netloc.split(",")]
        hosts = [urlsplit(f"//{one}").hostname or "" for one in named]
    except ValueError:
        return False
    asked = parse_qs(read.query)
    hosts += [
        one
        for key in ("host", "hostaddr")
        for text in asked.get(key, [])
        for one in text.split(",")
    ]
    if read.scheme.startswith("postgres"):
        hosts = [one for one in hosts if one and not one.startswith("/")]  # a socket is local
    return all(one in {"localhost", "127.0.0.1", "::1"} for one in hosts)


def load(environ: dict[str, str], file: Path | None = None) -> Settings:
    """Settings from a TOML file (DOUGONG_CONFIG, else ./dougong.toml if there) and environment.

    Raises BadSetting for unknown names and for values of the wrong type.
    """
    path = file or Path(environ.get(PREFIX + "CONFIG", "dougong.toml"))
    values: dict[str, object] = tomllib.loads(path.read_text()) if path.exists() else {}
    known = set(Settings.__struct_fields__)
    for name, text in environ.items():
        if name.startswith(PREFIX):
            key = name[len(PREFIX) :].lower()
            if key in known:
                values[key] = text
            elif key not in OF_TOOLS and not key.startswith("torture"):
                raise BadSetting(f"unknown setting {name}")
    if unknown := set(values) - known:
        raise BadSetting(f"unknown settings: {', '.join(sorted(unknown))}")
    try:
        return msgspec.convert(
            values, Settings, strict=False, dec_hook=lambda kind, value: kind(value)
        ).check()
    except msgspec.ValidationError as error:
        raise BadSetting(str(error)) from error


@cache
def settings() -> Settings:
    """This process's settings, read once."""
    return load(dict(os.environ))


def note_serving(*, host: str, port: int) -> None:
    """Let other commands on this data directory know where `dougong serve` answers."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 (compared)
    (settings().data_dir / SERVING).write_text(f"http://{shown}:{port}")


def serving_url() -> str:
    """`public_url` where it was set, else where `dougong serve` was last started."""
    chosen = settings().public_url
    return local_url() if chosen == Settings().public_url else chosen


def local_url() -> str:
    """Where `dougong serve` was last started on this machine."""
    noted = settings().data_dir / SERVING
    return noted.read_text().strip() if noted.exists() else Settings().public_url
