"""Campaigns on a Dask cluster: each slot of its machines runs tasks as the local launcher does."""
