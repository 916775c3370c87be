"""The embedded demo: a Taskcluster that does not exist, and what it says."""
