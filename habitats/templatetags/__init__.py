"""Words and figures of the pages."""
