"""The learning engine: pure functions on rasters, samples and arrays; no Django, no clock, no state."""
