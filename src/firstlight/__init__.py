"""firstlight: from a pile of images to a trained network that you can trust and see into."""
