"""What makes the pages that are made from code: `make docs`."""
