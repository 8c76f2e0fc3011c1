"""One module per backend: device, synchronisation, memory, input batches."""
