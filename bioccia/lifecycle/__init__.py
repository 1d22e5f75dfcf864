"""Install, start, supervise and stop the parts. Pure standard library: it runs before anything is installed."""
