"""The tests mirror the code: `tests/<app>/test_<module>.py`."""
