"""The commands, one a file.

Every module here is imported for `--help`, so at its top it imports nothing but typer and
what is as light; the heavy rooms (textual, botocore, the engine) are entered by the functions.
"""
