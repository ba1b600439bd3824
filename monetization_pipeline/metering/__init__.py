"""Events to usage: meters as SQL, mergeable daily states, and how states merge."""
