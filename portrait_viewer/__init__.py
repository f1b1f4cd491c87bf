"""The Portrait site: one folder per concept, imports only go down (docs/architecture.md)."""
