"""The datasets as Delta tables: commits, partition states, fingerprints, and which rows a run may see."""
