"""Recordings: what a watch was given, kept in a file that can be played again."""
