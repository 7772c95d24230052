"""The causal tree as a view: chains by time, folded, filtered and flattened into lines."""
