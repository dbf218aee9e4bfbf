"""Looks into a pass: the trail of one item, the tags of an image, the export of tags."""
