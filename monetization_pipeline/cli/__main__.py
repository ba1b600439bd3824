"""`python -m monetization_pipeline.cli`: the same as `monetize`."""

from monetization_pipeline.cli import main

main()
