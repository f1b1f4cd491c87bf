"""Classic nuclear analysis: colour deconvolution, nuclei detection, indices.

Only numpy, scipy and pure Python: no training, no weights, no torch.
"""
