"""Companies, users and subscriptions: their records, how changes merge, and who is charged for what when."""
