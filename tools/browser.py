"""Sees to it that there is a Chromium for the browser tests, and a font with Chinese in it.

Finds one on the path or among Playwright's, else installs Debian's where it may.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-noto-cjk")
ADVICE = """\
No Chromium was found, and it cannot be installed from here.
The browser tests need one. Either of these will do:
  Debian or Ubuntu, as root:   apt-get install chromium fonts-noto-cjk
  anywhere:                    .venv/bin/playwright install chromium
Then run the same command again."""


def on_path() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def of_playwright() -> str | None:
    """The browser that `playwright install` put in place, if it is there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def find() -> str | None:
    """The browser to start: also used by tests/browser."""
    return on_path() or of_playwright()


def install() -> bool:
    """Debian's packages, when we are root and apt-get is there. False when it cannot be."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
    if subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL).returncode == 0:
        return True
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, stdout=subprocess.DEVNULL)
    return subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL).returncode == 0


def main() -> int:
    if find():
        return 0
    print("Installing Chromium for the browser tests.", file=sys.stderr)
    if install() and find():
        return 0
    print(ADVICE, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
