"""A real nginx with libnginx-mod-rtmp on loopback, told what `dougong live nginx-config` prints."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dougong.infra.port import is_open

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
START_WITHIN_S = 10
# What Debian's own nginx.conf says around the block; all files are in a directory of the test.
FRAME = """\
daemon off;
user {user};
worker_processes 1;
load_module {module};
pid {home}/nginx.pid;
error_log {home}/error.log info;
events {{ worker_connections 256; }}
{block}
"""


@contextmanager
def a_media_server(home: Path, *, block: str, port: int) -> Iterator[Path]:
    """Runs until the end of the block; its error log."""
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    assert MODULE.exists() and Path(nginx).exists(), (
        "this test needs Debian's nginx and libnginx-mod-rtmp (apt-get install): see .ci/rtmp"
    )
    home.mkdir()
    config = home / "nginx.conf"
    config.write_text(FRAME.format(user="root", module=MODULE, home=home, block=block))
    log = home / "error.log"
    running = subprocess.Popen(
        [nginx, "-e", str(log), "-p", str(home), "-c", str(config)], stdin=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + START_WITHIN_S
        while not is_open("127.0.0.1", port):
            assert running.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield log
    finally:
        running.terminate()
        running.wait(timeout=10)
