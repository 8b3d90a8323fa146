"""Pictures of answers and of training reports."""
