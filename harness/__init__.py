"""The same Keras ranking model on JAX, TensorFlow and PyTorch, measured so that the answer holds."""

__version__ = "0.1.0"
