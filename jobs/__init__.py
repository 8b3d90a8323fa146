"""The contract between the service and its workers; neither FastAPI nor TensorFlow nor Pillow."""
