"""Companies, users and subscriptions: their records, how changes merge, and who was subscribed to what when."""
