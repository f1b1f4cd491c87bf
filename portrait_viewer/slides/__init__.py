"""Digitised glass slides: receive, register, describe, serve."""
