"""Pictures of training reports."""
