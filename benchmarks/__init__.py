"""Ours side by side with the raw SDK and with its peers; see docs/performance.md."""
