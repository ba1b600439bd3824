"""What a run works with: working folder and account as Dagster's resources; errors, interrupts and its own process."""
