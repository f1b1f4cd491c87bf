"""Quality control of a scan: tissue, focus, pen marks."""
