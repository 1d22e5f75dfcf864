"""One module per command of the engine: `add_arguments(parser)` and `run(args)`."""
