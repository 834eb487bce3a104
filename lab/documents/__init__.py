"""Reads the documents, runs what they show, and writes what is generated in them (`make docs`)."""
