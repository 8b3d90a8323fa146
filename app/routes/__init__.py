"""HTTP to a call and back, nothing else."""
