"""The slide page and its socket; assembles the parts, owns no table."""
