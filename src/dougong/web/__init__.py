"""The only place that knows Litestar and Jinja."""
