"""Helpers that several tests use: servers, workers, clients, data and models."""
