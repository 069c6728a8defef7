"""Oracles: pure functions from a History to violations. They judge what was recorded and touch nothing else."""
