"""Runs, model versions and predictors, around the pure engine of `ml.compute`."""
