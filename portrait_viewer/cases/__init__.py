"""Patients (pseudonyms), cases, specimens, blocks, and who may see a case."""
