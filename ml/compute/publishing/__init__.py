"""The files of a release: the same map gives the same bytes, and anybody can verify them without the platform."""
