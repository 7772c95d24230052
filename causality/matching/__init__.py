"""Matching: which output of which call is the other half of an edge."""
