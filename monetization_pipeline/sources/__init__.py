"""What a user declares of an origin of events, and the built-in shapes."""
