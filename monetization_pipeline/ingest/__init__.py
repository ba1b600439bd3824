"""Landing files to raw events: formats, mappings, refusals."""
