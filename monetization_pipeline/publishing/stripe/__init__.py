"""Stripe as a provider of invoices."""
