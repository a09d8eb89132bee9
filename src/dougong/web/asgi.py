"""What the server loads: one application per web worker."""

import gc

from dougong.web.app import create_app

app = create_app()
# What was made until here stays as long as the process: the collector need not look at it again
# and again. Requests make thousands of short-lived structs, none of them in circles.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 50, 100)
