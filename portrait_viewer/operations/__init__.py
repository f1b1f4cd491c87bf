"""Running the site: serve, housekeeping, health, first day, backup and restore."""
