"""Settings modules: embedded (default), production, test; all read `config.env`."""
