"""What the pipeline is measured against: SQL that anybody would write, checked to give the same totals."""
