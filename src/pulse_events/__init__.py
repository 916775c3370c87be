"""RabbitMQ messages as Server-Sent Events: one queue per process, any number of streams."""
