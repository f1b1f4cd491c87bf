"""Training and cross-validation of the networks. Imports torch."""
