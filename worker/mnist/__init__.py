"""The MNIST network of the classic tutorial: its data, its layers, its training. Importing loads no TensorFlow."""
