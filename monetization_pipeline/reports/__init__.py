"""What people ask; reads only."""
