"""Photographs for data sets, from a request to the store: received, looked at, sorted into classes, kept."""
