"""Usage and fees × prices → rated lines: exact, explained, pure. One file per price model."""
