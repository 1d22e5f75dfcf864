"""Forms of the consultation and of the release."""
