"""Booked invoices become invoices of a provider, each exactly once."""
