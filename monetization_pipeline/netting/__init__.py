"""Rules 2 and 3 as SQL: identities, copies, corrections, the days that they touch."""
