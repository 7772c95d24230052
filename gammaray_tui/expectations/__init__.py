"""Expectations: what a test says about a run, judged while records come."""
