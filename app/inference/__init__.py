"""The loaded networks and the queues before them."""
