"""Reading what recorders and X-Ray wrote: texts to facts."""
