"""What runs inside a recorded function: which event started it, and which calls it made.

Standard library only, Python 3.9 or later, and as little of both as a cold start can bear:
botocore is hooked when the function imports it, never imported here. docs/records.md tells
what is recorded, and what never is.
"""
