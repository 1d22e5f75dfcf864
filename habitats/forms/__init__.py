"""Forms of the pages: what an address may ask, checked."""
