"""The processes of a server: the composition root, workers and their supervisor, logs."""
