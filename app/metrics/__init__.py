"""What Prometheus is told: counted here as it happens, looked up when it asks, read from Redis for all replicas."""
