"""API monetization as a Dagster pipeline: raw events in, issued invoices out."""

__version__ = "0.1.0"
