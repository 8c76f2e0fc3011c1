"""The same Keras ranking model on JAX, TensorFlow and PyTorch, measured to be believed."""

__version__ = "0.1.0"
