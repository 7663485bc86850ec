"""Losses: what they read of a run, their values, and where their gradients start from."""
