"""`python -m dougong` is the console script."""

from dougong.cli.main import main

main()
