"""Predictors of a year of a region folder: image series, relief, climate and soil, texture, and their manifest."""
