"""Where messages come from: the embedded broker, RabbitMQ, and which of them an address names."""

EMBEDDED = "memory:"
"""The address of the broker inside the process, which nobody else can reach."""
