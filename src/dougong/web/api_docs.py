"""The reference of the API at /api/docs: Swagger UI from our own files, without inline scripts."""

from typing import Any

from litestar import Request
from litestar.openapi.plugins import SwaggerRenderPlugin

from dougong.web.render import static_url


class ApiDocs(SwaggerRenderPlugin):
    """Swagger UI that a strict content security policy lets run."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{openapi_schema['info']['title']} API</title>"
            f'<link rel="icon" href="{static_url("img/logo.svg")}" type="image/svg+xml">'
            f'<link rel="stylesheet" href="{static_url("vendor/swagger.css")}">'
            f'<script src="{static_url("vendor/swagger.js")}" defer></script>'
            f'<script src="{static_url("js/api_docs.js")}" defer></script>'
            '</head><body><div id="api" data-schema="/api/docs/openapi.json"></div></body></html>'
        ).encode()
