"""What the tests run against: a private RabbitMQ, the server as a process, raw sockets."""
