"""Topic patterns: what they match, and who asked for what matches a key.  Pure."""
