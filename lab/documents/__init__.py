"""Read the documents, run what they show, and write their generated parts (`make docs`)."""
