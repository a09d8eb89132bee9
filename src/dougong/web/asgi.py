"""What the server loads: one application per web worker."""

from dougong.web.app import create_app

app = create_app()
