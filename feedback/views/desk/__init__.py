"""Pages of the decision desk: the queue, one report, and what people may do with it."""
