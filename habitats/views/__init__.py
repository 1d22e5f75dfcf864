"""Pages of habitats, by subject."""
