"""RabbitMQ: one queue of one connection, its bindings as the hub wants them."""
