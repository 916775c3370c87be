"""What a request may do, before it is routed: limits of addresses and of all."""
