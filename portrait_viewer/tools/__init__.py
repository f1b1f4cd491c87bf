"""AI tools as products: immutable versions, and where each is deployed."""
