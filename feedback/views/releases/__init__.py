"""Pages of releases: what everybody reads and downloads, and what administrators check and sign."""
