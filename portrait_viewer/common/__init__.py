"""What every app uses; no tables of its own."""
