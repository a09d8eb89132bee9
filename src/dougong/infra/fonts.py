"""The font that pictures and documents are written in: Noto Sans SC, from its npm package."""

import os
from pathlib import Path

WEIGHTS = {"regular": "400Regular", "medium": "500Medium", "bold": "700Bold", "black": "900Black"}


class FontsMissing(Exception):
    """The CJK font is not installed; the message says how to get it."""


def fonts_dir() -> Path:
    """Folder of the Noto Sans SC files: DOUGONG_FONTS_DIR, else the frontend's npm packages."""
    wanted = os.environ.get("DOUGONG_FONTS_DIR")
    package = "frontend/node_modules/@expo-google-fonts/noto-sans-sc"
    folder = Path(wanted) if wanted else Path(__file__).resolve().parents[3] / package
    if not font_file(folder, "bold").is_file():
        raise FontsMissing(
            f"Noto Sans SC is not in {folder}. Run `npm ci` in frontend/, or set DOUGONG_FONTS_DIR "
            "to the folder of the npm package @expo-google-fonts/noto-sans-sc."
        )
    return folder


def font_file(folder: Path, weight: str) -> Path:
    return folder / WEIGHTS[weight] / f"NotoSansSC_{WEIGHTS[weight]}.ttf"
