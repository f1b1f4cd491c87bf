"""Portrait's science library: slides in, scores and overlays out.

Importable without Django, Celery or any server. `errors`, `geometry`, `wsi`,
`tissue`, `patches`, `outputs` and the tool manifests need no torch.
"""
