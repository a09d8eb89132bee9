"""`dougong bank-sandbox`: a bank on this machine, for demonstrations and tests."""

import click


@click.command()
@click.option("--port", default=8701, show_default=True, help="Port on loopback; 0: any free one.")
@click.option(
    "--step-s",
    default=5.0,
    show_default=True,
    help="Every so many seconds the next thing happens to each payment; 0: only when told to.",
)
def command(port: int, step_s: float) -> None:
    """Serve the sandbox bank until it is stopped; set bank_sandbox_url to its address."""
    from dougong.settlement.adapters.sandbox_server import serve

    server = serve(host="127.0.0.1", port=port, step_s=step_s)
    click.echo(f"http://127.0.0.1:{server.server_address[1]}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
