"""The only adapter to slide files for serving: tiles, thumbnails, labels, guarded inspection.

`tiles` is the door. It knows files, not people: whoever calls it has checked the right first,
and no cache of this package is reachable without that call.
"""
