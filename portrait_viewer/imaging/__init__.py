"""The only adapter to large-image and OpenSlide for serving: tiles, thumbnails, regions."""
