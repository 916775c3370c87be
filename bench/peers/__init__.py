"""Programs that the server is compared with."""
