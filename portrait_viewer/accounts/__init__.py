"""People, organisations, sites and who may do what where."""
