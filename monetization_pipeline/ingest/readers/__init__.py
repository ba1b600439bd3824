"""One input format a file: bytes of a landing file → records with their places."""
