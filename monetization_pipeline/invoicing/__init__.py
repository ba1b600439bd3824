"""Rated lines → invoices: rounded once, line by line (rule 13)."""
