"""What a stream is on the wire: events, their coding and framing.  As pure as the hub."""
