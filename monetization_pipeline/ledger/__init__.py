"""What is booked and what a provider has been told: one append-only SQL database (`ledger.opening.open_ledger`)."""
