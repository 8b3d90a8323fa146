"""Handwritten digits: the network that learns them, and a person's digit as that network has to see it."""
