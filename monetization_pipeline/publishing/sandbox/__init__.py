"""A stand-in for Stripe that speaks HTTP, keeps its state in a file and fails on demand. No money, no network."""
