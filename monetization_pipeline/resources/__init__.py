"""Thin shells around what the steps work with; no logic here."""
