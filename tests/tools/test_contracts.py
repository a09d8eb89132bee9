"""The import contracts refuse what they are there to refuse."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src/dougong"
FOLDERS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


@pytest.mark.parametrize(
    ("contract", "exempt"),
    [("web", {"web"}), ("outside", {"infra"}), ("processes", {"infra"})],
)
def test_contract_covers_every_folder(contract: str, exempt: set[str]) -> None:
    listed = contracts()[f"importlinter:contract:{contract}"]["source_modules"].split()
    assert {name.removeprefix("dougong.") for name in listed} == FOLDERS - exempt


@pytest.mark.parametrize(
    ("path", "text", "broken"),
    [
        ("ads/__init__.py", "", "dougong.ads"),
        ("orders/commands.py", "import dougong.ledger.rules", "Imports point down one list"),
        ("base/money.py", "import dougong.infra.db", "Imports point down one list"),
        ("orders/rules.py", "import sqlalchemy", "base and rules know no database"),
        ("ledger/rules.py", "import pathlib", "base and rules touch no files"),
        ("flows/place_orders.py", "import dougong.orders.tables", "Tables are for their own area"),
        ("cli/main.py", "import litestar", "Only web knows Litestar"),
        ("orders/commands.py", "import httpx", "Outside parties are reached"),
        ("flows/place_orders.py", "import subprocess", "Media and processes"),
    ],
)
@pytest.mark.slow
def test_contracts_refuse(path: str, text: str, broken: str, tmp_path: Path) -> None:
    copy = tmp_path / "dougong"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("static", "templates", "*.pyc"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    file = copy / path
    file.parent.mkdir(exist_ok=True)
    file.write_text((file.read_text() if file.exists() else "") + f"\n{text}\n")
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()",
         "--no-cache"],
        cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    assert any(broken in line and "KEPT" not in line for line in done.stdout.splitlines()), done
