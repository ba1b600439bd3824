"""Meters, plans and prices: what a seller sells, read from YAML and checked."""
