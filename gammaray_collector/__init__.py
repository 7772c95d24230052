"""The collector: a function on the record tables' streams that joins records on AWS itself."""
