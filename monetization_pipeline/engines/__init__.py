"""Engines run SQL over datasets and write Parquet, within bounded memory."""
