"""Who gets what: streams, audiences, interest, routing.  Pure: no I/O, clock, chance or log."""
