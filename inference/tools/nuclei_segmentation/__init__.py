"""Nuclei of H&E slides by a small network trained on CC0 pictures."""
