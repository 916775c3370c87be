"""The log: a stream at the broker that one process writes and all read, without its I/O."""
