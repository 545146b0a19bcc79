"""Producers, consumers and the metadata of pools."""
