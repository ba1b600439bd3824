"""What is out of date, what is made of it, counts, verdicts, looking back."""
