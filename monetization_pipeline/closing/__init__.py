"""From draft to issued: the gate, publishing."""
