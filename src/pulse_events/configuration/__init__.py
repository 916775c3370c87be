"""What the operator says: options, variables, files; their secrets kept out of words."""
