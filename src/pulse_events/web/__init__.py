"""The HTTP side: routes and answers (`app`), the streams after their take-over (`streams`)."""
