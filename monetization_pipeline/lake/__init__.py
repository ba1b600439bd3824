"""The datasets as Delta tables; landing; fingerprints; what is out of date."""
