"""`/api/v1/` rounds, reports and releases."""
