"""The demo laboratory: two organisations, their people, cases and slides."""
