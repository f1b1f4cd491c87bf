"""Nuclear immunohistochemistry quantification (Ki-67, ER, PR): no trained weights."""
