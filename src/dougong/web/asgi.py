"""What the server loads: one application per web worker."""

import gc

from litestar import Litestar


def load() -> Litestar:
    """Build the application without the collector, then keep it out of the collector's sight.

    What is loaded stays as long as the process: to look at it again and again takes an eighth of a
    start and much of the time later on. To collect once before the freeze takes 0.2 s, and frees
    no memory to speak of.
    """
    gc.disable()
    from dougong.web.app import create_app

    app = create_app()
    gc.freeze()
    gc.enable()
    # Requests make thousands of short-lived structs, none of them in circles.
    gc.set_threshold(50_000, 50, 100)
    return app


app = load()
