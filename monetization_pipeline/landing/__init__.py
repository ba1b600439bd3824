"""Files as they arrived."""
