"""Saltus inside other frameworks."""
