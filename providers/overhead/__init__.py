"""What observing a function costs: its invocations measured in all configurations."""
