"""Live messages: a message is a hint, the database is the truth."""
