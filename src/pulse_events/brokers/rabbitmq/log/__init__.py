"""The log that several instances share: a RabbitMQ stream that one of them writes, and all read."""
